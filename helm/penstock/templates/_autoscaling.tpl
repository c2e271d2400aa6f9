{{/* How fast pods come and go: as `behavior` says, or at once up and slowly down. Takes the autoscaling of one. */}}
{{- define "penstock.scalingBehavior" -}}
{{- if .behavior }}
{{- toYaml .behavior }}
{{- else -}}
scaleUp:
  stabilizationWindowSeconds: 0
  selectPolicy: Max
  policies:
    - {type: Percent, value: 100, periodSeconds: 15}
    - {type: Pods, value: 4, periodSeconds: 15}
scaleDown:
  stabilizationWindowSeconds: 300
  selectPolicy: Min
  policies:
    - {type: Pods, value: 1, periodSeconds: 60}
{{- end }}
{{- end }}

{{/* The metrics of an HPA: takes {root, component}. */}}
{{- define "penstock.hpaMetrics" -}}
{{- $of := get .root.Values.autoscaling .component.key }}
{{- if eq .component.key "gateway" -}}
- type: Pods
  pods:
    metric: {name: penstock_gateway_open_streams}
    target: {type: AverageValue, averageValue: {{ $of.targetOpenStreams | quote }}}
{{- if $of.targetCpu }}
- type: Resource
  resource:
    name: cpu
    target: {type: Utilization, averageUtilization: {{ $of.targetCpu }}}
{{- end }}
{{- else if eq $of.metricType "Pods" -}}
- type: Pods
  pods:
    metric: {name: requests_in_queue}
    target: {type: AverageValue, averageValue: {{ $of.targetConcurrency | quote }}}
{{- else -}}
- type: External
  external:
    metric:
      name: penstock_required_concurrency
      {{- with $of.metricSelector }}
      selector:
        matchLabels:
          {{- toYaml . | nindent 10 }}
      {{- end }}
    target: {type: AverageValue, averageValue: {{ $of.targetConcurrency | quote }}}
{{- end }}
{{- end }}

{{/* The triggers of a ScaledObject: takes {root, component}. */}}
{{- define "penstock.kedaTriggers" -}}
{{- $of := get .root.Values.autoscaling .component.key }}
{{- $scaler := printf "%s-dispatcher.%s.svc:%s" (include "penstock.fullname" .root) .root.Release.Namespace (include "penstock.scalerPort" .root) }}
{{- $gateway := eq .component.key "gateway" -}}
- type: external-push
  metricType: AverageValue
  metadata:
    scalerAddress: {{ $scaler }}
    component: {{ ternary "gateway" "provider-adapter" $gateway }}
    target: {{ ternary $of.targetOpenStreams $of.targetConcurrency $gateway | quote }}
    {{- if include "penstock.tlsOn" .root }}
    enableTLS: "true"
  authenticationRef: {name: {{ include "penstock.fullname" .root }}-scaler}
    {{- end }}
{{- if $gateway }}
{{- if $of.targetCpu }}
- type: cpu
  metricType: Utilization
  metadata: {value: {{ $of.targetCpu | quote }}}
{{- end }}
{{- end }}
{{- end }}
