{{/* The pod of a component: takes {root, component}. */}}
{{- define "penstock.pod" -}}
{{- $root := .root }}
{{- $self := .component }}
{{- $values := get $root.Values $self.key -}}
metadata:
  # Nothing that changes with the chart's version alone: the pods would be replaced for it.
  labels:
    {{- include "penstock.componentSelector" . | nindent 4 }}
    app.kubernetes.io/part-of: penstock
    {{- with merge (deepCopy $values.podLabels) $root.Values.podLabels $root.Values.extraLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    kubectl.kubernetes.io/default-container: {{ $self.name }}
    checksum/config: {{ include "penstock.config" . | sha256sum }}
    {{- with $root.Values.files }}
    checksum/files: {{ toJson . | sha256sum }}
    {{- end }}
    {{- with merge (deepCopy $values.podAnnotations) $root.Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "penstock.serviceAccountName" $root }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ include "penstock.terminationGrace" $root }}
  securityContext:
    {{- toYaml $root.Values.podSecurityContext | nindent 4 }}
  {{- with $root.Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with default $root.Values.priorityClassName $values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with $root.Values.dnsConfig }}
  dnsConfig:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- include "penstock.placement" . | nindent 2 }}
  {{- with $root.Values.extraInitContainers }}
  initContainers:
    {{- tpl (toYaml .) $root | nindent 4 }}
  {{- end }}
  containers:
    {{- include "penstock.container" . | nindent 4 }}
    {{- with $root.Values.extraContainers }}
    {{- tpl (toYaml .) $root | nindent 4 }}
    {{- end }}
  volumes:
    {{- include "penstock.volumes" . | nindent 4 }}
{{- end }}

{{- define "penstock.placement" -}}
{{- $values := get .root.Values .component.key }}
{{- $placement := pick $values "nodeSelector" "tolerations" "affinity" }}
{{- range $name, $value := $placement }}
{{- with $value }}
{{ $name }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- if .root.Values.topologySpread.enabled }}
topologySpreadConstraints:
  {{- $selector := include "penstock.componentSelector" . }}
  {{- $stateful := .component.stateful }}
  {{- range .root.Values.topologySpread.keys }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- $selector | nindent 8 }}
    {{- if not $stateful }}
    # Those of the version before do not count: they leave.
    matchLabelKeys: [pod-template-hash]
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "penstock.container" -}}
{{- $root := .root }}
{{- $self := .component }}
{{- $values := get $root.Values $self.key -}}
- name: {{ $self.name }}
  image: {{ include "penstock.image" $root }}
  imagePullPolicy: {{ $root.Values.image.pullPolicy }}
  command: [/usr/bin/{{ $self.program }}]
  args:
    - --config=/etc/penstock/config.yaml
    {{- range concat $root.Values.extraArgs $values.extraArgs }}
    - {{ tpl (toString .) $root | quote }}
    {{- end }}
  securityContext:
    {{- toYaml $root.Values.securityContext | nindent 4 }}
  {{- with include "penstock.env" . }}
  env:
    {{- . | nindent 4 }}
  {{- end }}
  {{- with concat $root.Values.extraEnvFrom $values.extraEnvFrom }}
  envFrom:
    {{- tpl (toYaml .) $root | nindent 4 }}
  {{- end }}
  ports:
    - {name: grpc, containerPort: {{ $self.port }}}
    - {name: admin, containerPort: {{ include "penstock.adminPort" $root }}}
    {{- with $self.scaler }}
    - {name: grpc-scaler, containerPort: {{ . }}}
    {{- end }}
  # Alive: the admin port answers, which it does from the start, also while a journal is read. Ready: its own stores
  # serve, so that one outage does not spread.
  startupProbe:
    httpGet: {path: /healthz, port: admin}
    periodSeconds: 1
    failureThreshold: 60
  livenessProbe:
    httpGet: {path: /healthz, port: admin}
    periodSeconds: 10
    timeoutSeconds: 5
    failureThreshold: 6
  readinessProbe:
    httpGet: {path: /readyz, port: admin}
    periodSeconds: 2
    timeoutSeconds: 2
    failureThreshold: 2
  {{- with $values.lifecycle }}
  lifecycle:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  resources:
    {{- toYaml $values.resources | nindent 4 }}
  volumeMounts:
    {{- include "penstock.mounts" . | nindent 4 }}
{{- end }}
