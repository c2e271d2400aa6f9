{{/*
What there is to run, as a YAML list: the five services, or standalone.
key: where its values are; name: of its objects and, in a certificate, its own; program: in /usr/bin; port: gRPC;
endpoint: its setting; stateful: it has a volume; calls: the names of those it calls.
*/}}
{{- define "penstock.components" -}}
{{- if eq .Values.mode "standalone" }}
- {key: standalone, name: standalone, program: standalone, endpoint: gateway, port: 7420, stateful: true, public: true, calls: []}
{{- else }}
- {key: gateway, name: gateway, program: gateway, endpoint: gateway, port: 7420, stateful: false, public: true, calls: [dispatcher, session-state, memory-recall]}
- {key: dispatcher, name: dispatcher, program: dispatcher, endpoint: dispatcher, port: 7421, stateful: true, {{ if eq .Values.autoscaling.kind "keda" }}scaler: {{ include "penstock.scalerPort" . }}, {{ end }}calls: [session-state, memory-recall, provider-adapter]}
- {key: sessionState, name: session-state, program: session_state, endpoint: session_state, port: 7422, stateful: true, calls: []}
- {key: memoryRecall, name: memory-recall, program: memory_recall, endpoint: memory_recall, port: 7423, stateful: true, calls: []}
- {key: providerAdapter, name: provider-adapter, program: provider_adapter, endpoint: provider_adapter, port: 7424, stateful: false, calls: []}
{{- end }}
{{- end }}

{{/* Every program's admin port: health and metrics, plain HTTP. */}}
{{- define "penstock.adminPort" -}}7429{{- end }}

{{/* Where the dispatcher answers KEDA. */}}
{{- define "penstock.scalerPort" -}}7425{{- end }}

{{/* The name of the component that callers reach. */}}
{{- define "penstock.publicComponent" -}}
{{- ternary "standalone" "gateway" (eq .Values.mode "standalone") -}}
{{- end }}
