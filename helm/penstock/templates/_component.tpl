{{/* One Deployment or StatefulSet: takes {root, component}. */}}
{{- define "penstock.component" -}}
{{- $root := .root }}
{{- $self := .component }}
{{- $values := get $root.Values $self.key -}}
apiVersion: apps/v1
kind: {{ ternary "StatefulSet" "Deployment" $self.stateful }}
metadata:
  name: {{ include "penstock.fullname" $root }}-{{ $self.name }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "penstock.componentLabels" . | nindent 4 }}
spec:
  {{- if not (include "penstock.isAutoscaled" .) }}
  replicas: {{ $values.replicas }}
  {{- end }}
  revisionHistoryLimit: 5
  selector:
    matchLabels:
      {{- include "penstock.componentSelector" . | nindent 6 }}
  {{- if $self.stateful }}
  serviceName: {{ include "penstock.fullname" $root }}-{{ $self.name }}{{ if $self.public }}-headless{{ end }}
  # OrderedReady would wait for a pod that a bad upgrade broke, and keep a rollback from replacing it.
  podManagementPolicy: Parallel
  {{- include "penstock.volumeClaims" . | nindent 2 }}
  {{- else }}
  strategy:
    {{- if $values.strategy }}
    {{- toYaml $values.strategy | nindent 4 }}
    {{- else }}
    type: RollingUpdate
    rollingUpdate: {maxSurge: 1, maxUnavailable: 0}
    {{- end }}
  {{- end }}
  template:
    {{- include "penstock.pod" . | nindent 4 }}
{{- end }}

{{- define "penstock.componentSelector" -}}
{{ include "penstock.selectorLabels" .root }}
app.kubernetes.io/component: {{ .component.name }}
{{- end }}

{{- define "penstock.componentLabels" -}}
{{ include "penstock.labels" .root }}
app.kubernetes.io/component: {{ .component.name }}
{{- end }}

{{/* "true" where something else sets the number of pods. */}}
{{- define "penstock.isAutoscaled" -}}
{{- $autoscaling := .root.Values.autoscaling }}
{{- if and (ne $autoscaling.kind "none") (has .component.name (list "gateway" "provider-adapter")) }}
{{- if (get $autoscaling .component.key).enabled }}true{{ end }}
{{- end }}
{{- end }}

{{- define "penstock.volumeClaims" -}}
{{- $disk := (get .root.Values .component.key).persistence }}
{{- if $disk.enabled -}}
persistentVolumeClaimRetentionPolicy:
  whenDeleted: {{ $disk.whenDeleted }}
  # Fewer pods is no way to lose what is stored.
  whenScaled: Retain
volumeClaimTemplates:
  - metadata:
      name: data
      labels:
        {{- include "penstock.componentSelector" . | nindent 8 }}
      {{- with $disk.annotations }}
      annotations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      accessModes: {{ toJson $disk.accessModes }}
      {{- with $disk.storageClass }}
      storageClassName: {{ ternary "" . (eq . "-") | quote }}
      {{- end }}
      resources:
        requests:
          storage: {{ $disk.size }}
{{- end }}
{{- end }}
