{{/* A pod of `helm test` that runs `penstock`, again and again until it succeeds: takes {root, name, args, env}. */}}
{{- define "penstock.testPod" -}}
{{- $root := .root }}
{{- $public := include "penstock.publicComponent" $root -}}
apiVersion: v1
kind: Pod
metadata:
  name: {{ include "penstock.fullname" $root }}-test-{{ .name }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "penstock.componentLabels" (dict "root" $root "component" (dict "name" "test")) | nindent 4 }}
  annotations:
    helm.sh/hook: test
    helm.sh/hook-weight: {{ .weight | quote }}
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
spec:
  # A new Service takes a moment until it is known everywhere; what does not pass in time has failed.
  restartPolicy: OnFailure
  activeDeadlineSeconds: {{ $root.Values.helmTest.deadline }}
  serviceAccountName: {{ include "penstock.serviceAccountName" $root }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  securityContext:
    {{- toYaml $root.Values.podSecurityContext | nindent 4 }}
  {{- with $root.Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: {{ .name }}
      image: {{ include "penstock.image" $root }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      command: [/usr/bin/penstock]
      args: {{ toJson .args }}
      env:
        {{- $host := printf "%s-%s.%s.svc" (include "penstock.fullname" $root) $public $root.Release.Namespace }}
        {{- include "penstock.clientEnv" (dict "root" $root "address" (printf "%s:%v" $host $root.Values.gateway.service.port)) | nindent 8 }}
        {{- with .env }}
        {{- . | nindent 8 }}
        {{- end }}
      securityContext:
        {{- toYaml $root.Values.securityContext | nindent 8 }}
      {{- if include "penstock.tlsOn" $root }}
      volumeMounts:
        - {name: tls, mountPath: /etc/penstock/tls, readOnly: true}
      {{- end }}
  {{- if include "penstock.tlsOn" $root }}
  volumes:
    - name: tls
      secret: {secretName: {{ include "penstock.tlsClientSecret" $root }}, defaultMode: 0440}
  {{- end }}
{{- end }}
