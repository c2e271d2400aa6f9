{{- define "penstock.tlsOn" -}}
{{- if ne .Values.tls.mode "none" }}true{{ end }}
{{- end }}

{{/* What the certificate of a service is called: takes {root, key, name}. */}}
{{- define "penstock.tlsName" -}}
{{- $own := get .root.Values.tls.names .key }}
{{- $qualified := printf "%s-%s.%s.svc" (include "penstock.fullname" .root) .name .root.Release.Namespace }}
{{- default (ternary $qualified .name (eq .root.Values.tls.mode "certManager")) $own }}
{{- end }}

{{/* The names again as the programs want them: who is expected where, and who may call. */}}
{{- define "penstock.tlsConfig" -}}
{{- $public := include "penstock.publicComponent" . }}
{{- $gateway := include "penstock.tlsName" (dict "root" . "key" "gateway" "name" $public) }}
{{- $dispatcher := include "penstock.tlsName" (dict "root" . "key" "dispatcher" "name" "dispatcher") -}}
cert_file: /etc/penstock/tls/tls.crt
key_file: /etc/penstock/tls/tls.key
ca_file: /etc/penstock/tls/ca.crt
gateway_name: {{ $gateway }}
{{- with .Values.tls.gatewayCallers }}
gateway_callers: {{ toJson . }}
{{- end }}
{{- if ne .Values.mode "standalone" }}
dispatcher_name: {{ $dispatcher }}
session_state_name: {{ include "penstock.tlsName" (dict "root" . "key" "sessionState" "name" "session-state") }}
memory_recall_name: {{ include "penstock.tlsName" (dict "root" . "key" "memoryRecall" "name" "memory-recall") }}
provider_adapter_name: {{ include "penstock.tlsName" (dict "root" . "key" "providerAdapter" "name" "provider-adapter") }}
dispatcher_callers: [{{ $gateway }}]
session_state_callers: [{{ $gateway }}, {{ $dispatcher }}]
memory_recall_callers: [{{ $gateway }}, {{ $dispatcher }}]
provider_adapter_callers: [{{ $dispatcher }}]
{{- if and (eq .Values.autoscaling.kind "keda") (eq .Values.tls.mode "certManager") }}
scaler_callers: [{{ include "penstock.tlsName" (dict "root" . "key" "keda" "name" "keda") }}]
{{- end }}
{{- end }}
{{- end }}

{{/* The Secret with the certificate: takes {root, key, name}; key "client" and "keda" are no components. */}}
{{- define "penstock.tlsSecret" -}}
{{- if eq .root.Values.tls.mode "certManager" }}
{{- printf "%s-%s-tls" (include "penstock.fullname" .root) .name }}
{{- else }}
{{- get .root.Values.tls.existingSecrets .key }}
{{- end }}
{{- end }}

{{/* The Secret that the pods of `helm test` show: one of their own, or the gateway's. */}}
{{- define "penstock.tlsClientSecret" -}}
{{- $public := include "penstock.publicComponent" . }}
{{- default (include "penstock.tlsSecret" (dict "root" . "key" $public "name" $public)) (include "penstock.tlsSecret" (dict "root" . "key" "client" "name" "client")) }}
{{- end }}

{{/* Variables with which `penstock` calls the gateway: takes {root, address}. */}}
{{- define "penstock.clientEnv" -}}
- {name: PENSTOCK_ADDRESS, value: {{ .address | quote }}}
{{- if include "penstock.tlsOn" .root }}
- {name: PENSTOCK_TLS_CA, value: /etc/penstock/tls/ca.crt}
- {name: PENSTOCK_TLS_CERT, value: /etc/penstock/tls/tls.crt}
- {name: PENSTOCK_TLS_KEY, value: /etc/penstock/tls/tls.key}
- {name: PENSTOCK_TLS_NAME, value: {{ include "penstock.tlsName" (dict "root" .root "key" "gateway" "name" (include "penstock.publicComponent" .root)) | quote }}}
{{- end }}
{{- end }}
