{{/* What a schema cannot say. Every refusal names the value's path. */}}
{{- define "penstock.validate" -}}
{{- include "penstock.validateSecrets" . }}
{{- include "penstock.validateOwned" . }}
{{- include "penstock.validateLiterals" . }}
{{- include "penstock.validateNeeded" . }}
{{- include "penstock.validateProviders" . }}
{{- include "penstock.validateTls" . }}
{{- include "penstock.validateAutoscaling" . }}
{{- end }}

{{/* What no program starts without, found here rather than in a pod that does not come up. */}}
{{- define "penstock.validateNeeded" -}}
{{- if not (default dict .Values.config.identity).issuers }}
{{- fail "config.identity.issuers: found none, allowed at least one; it says who may issue tokens" }}
{{- end }}
{{- $ids := list }}
{{- range default list .Values.config.agents }}{{ $ids = append $ids .id }}{{ end }}
{{- if not (has "default" $ids) }}
{{- fail (printf "config.agents: found the ids %s, allowed are lists with the id default; it answers in sessions that name none" (toJson $ids)) }}
{{- end }}
{{- $models := list }}
{{- range default list .Values.config.models }}{{ $models = append $models .name }}{{ end }}
{{- range $i, $agent := .Values.config.agents }}
{{- if not (has $agent.model $models) }}
{{- fail (printf "config.agents[%d].model: found %q, allowed a model of config.models: %s" $i (toString $agent.model) (toJson $models)) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "penstock.validateSecrets" -}}
{{- if not .Values.secrets.grantRoot.existingSecret }}
{{- fail "secrets.grantRoot.existingSecret: required, and absent. Make one: kubectl create secret generic penstock --from-literal=grant-root=\"$(head -c 32 /dev/urandom | base64)\"" }}
{{- end }}
{{- end }}

{{/* What the chart sets itself. */}}
{{- define "penstock.validateOwned" -}}
{{- $config := .Values.config }}
{{- $owned := list (list "data_dir" "the volume is mounted there") (list "endpoints" "see listenAddress and tls.mode") }}
{{- range $owned }}
{{- if hasKey $config (index . 0) }}
{{- fail (printf "config.%s: the chart sets it; %s" (index . 0) (index . 1)) }}
{{- end }}
{{- end }}
{{- if hasKey (default dict $config.process) "admin" }}
{{- fail "config.process.admin: the chart sets it; see listenAddress" }}
{{- end }}
{{- range list "cert_file" "key_file" "ca_file" }}
{{- if hasKey (default dict $config.tls) . }}
{{- fail (printf "config.tls.%s: the chart sets it; see tls.mode" .) }}
{{- end }}
{{- end }}
{{- range list "grant_root" "grant_key" "previous_grant_root" "previous_grant_key" }}
{{- if hasKey (default dict $config.identity) . }}
{{- fail (printf "config.identity.%s: a ConfigMap is no place for a secret; see secrets.grantRoot and secrets.grantKeys" .) }}
{{- end }}
{{- end }}
{{- end }}

{{/* Secrets stand in the configuration as ${NAME} only. */}}
{{- define "penstock.validateLiterals" -}}
{{- range $i, $issuer := default list (default dict .Values.config.identity).issuers }}
{{- range $k, $key := default list $issuer.keys }}
{{- include "penstock.validateLiteral" (dict "path" (printf "config.identity.issuers[%d].keys[%d].secret" $i $k) "value" $key.secret) }}
{{- end }}
{{- end }}
{{- range $i, $provider := default list .Values.config.providers }}
{{- include "penstock.validateLiteral" (dict "path" (printf "config.providers[%d].proxy" $i) "value" (ternary $provider.proxy "" (contains "@" (default "" $provider.proxy)))) }}
{{- end }}
{{- end }}

{{- define "penstock.validateLiteral" -}}
{{- if and .value (not (regexMatch "^\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}$" .value)) }}
{{- fail (printf "%s: found a literal, allowed ${NAME} with NAME from secrets.env: a ConfigMap is no place for a secret" .path) }}
{{- end }}
{{- end }}

{{- define "penstock.validateProviders" -}}
{{- $known := list }}
{{- range $i, $provider := default list .Values.config.providers }}
{{- $known = append $known $provider.name }}
{{- if hasKey $.Values.secrets.providerKeys (default "" $provider.name) }}
{{- if or $provider.api_key_env $provider.api_key_file }}
{{- fail (printf "config.providers[%d]: has a key of its own and one in secrets.providerKeys.%s; one of the two" $i $provider.name) }}
{{- end }}
{{- end }}
{{- end }}
{{- range $name, $from := .Values.secrets.providerKeys }}
{{- if not (has $name $known) }}
{{- fail (printf "secrets.providerKeys.%s: no such provider; config.providers has: %s" $name (default "none" (join ", " $known))) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "penstock.validateTls" -}}
{{- if eq .Values.tls.mode "existingSecrets" }}
{{- range include "penstock.components" . | fromYamlArray }}
{{- if not (get $.Values.tls.existingSecrets .key) }}
{{- fail (printf "tls.existingSecrets.%s: required with tls.mode existingSecrets, and absent" .key) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "penstock.validateAutoscaling" -}}
{{- $autoscaling := .Values.autoscaling }}
{{- if ne $autoscaling.kind "none" }}
{{- if eq .Values.mode "standalone" }}
{{- fail (printf "autoscaling.kind: found %q, allowed none with mode standalone: it is a single process" $autoscaling.kind) }}
{{- end }}
{{- range $name := list "providerAdapter" "gateway" }}
{{- $one := get $autoscaling $name }}
{{- if gt (int $one.minReplicas) (int $one.maxReplicas) }}
{{- fail (printf "autoscaling.%s.minReplicas: found %v, allowed at most maxReplicas, which is %v" $name $one.minReplicas $one.maxReplicas) }}
{{- end }}
{{- end }}
{{- end }}
{{- if and (eq $autoscaling.kind "hpa") (eq (int $autoscaling.providerAdapter.minReplicas) 0) }}
{{- fail "autoscaling.providerAdapter.minReplicas: found 0, allowed at least 1 with kind hpa, which cannot start the first pod" }}
{{- end }}
{{- end }}
