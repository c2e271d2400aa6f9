{{/*
The configuration of one component, YAML: what the chart knows under what `config` says. Takes {root, component}.
Each differs in its own endpoint, where it listens, and in the secrets it is trusted with.
*/}}
{{- define "penstock.config" -}}
{{- $root := .root }}
{{- $self := .component }}
{{- $config := deepCopy $root.Values.config }}
{{- $_ := set $config "data_dir" "/var/lib/penstock" }}
{{- $admin := printf "%s:%s" $root.Values.listenAddress (include "penstock.adminPort" $root) }}
{{- $_ := set $config "process" (mergeOverwrite (default dict $config.process) (dict "admin" $admin)) }}
{{- $_ := set $config "endpoints" (include "penstock.endpoints" . | fromYaml) }}
{{- $_ := set $config "identity" (include "penstock.identity" . | fromYaml) }}
{{- if ne $root.Values.tls.mode "none" }}
{{- $_ := set $config "tls" (mergeOverwrite (include "penstock.tlsConfig" $root | fromYaml) (default dict $config.tls)) }}
{{- end }}
{{- $_ := set $config "providers" (include "penstock.providers" . | fromYamlArray) }}
{{- toYaml $config }}
{{- end }}

{{- define "penstock.endpoints" -}}
{{- $root := .root }}
{{- $self := .component }}
{{- range include "penstock.components" $root | fromYamlArray }}
{{ .endpoint }}: {{ ternary (printf "%s:%v" $root.Values.listenAddress .port) (printf "%s:%v" (include "penstock.host" (dict "root" $root "name" .name)) .port) (eq .name $self.name) | quote }}
{{- end }}
{{- with $self.scaler }}
scaler: "{{ $root.Values.listenAddress }}:{{ . }}"
{{- end }}
{{- if eq $root.Values.tls.mode "none" }}
insecure: true
{{- end }}
{{- end }}

{{/* Who mints grants has the root; who only verifies, its own key if there is one. Callers' tokens are the gateway's. */}}
{{- define "penstock.identity" -}}
{{- $secrets := .root.Values.secrets }}
{{- $identity := omit (deepCopy (default dict .root.Values.config.identity)) "grant_root" "grant_key" "previous_grant_root" "previous_grant_key" }}
{{- if not .component.public }}
{{- $identity = omit $identity "issuers" }}
{{- end }}
{{- if include "penstock.hasGrantKey" . }}
{{- $_ := set $identity "grant_key" "${PENSTOCK_GRANT_KEY}" }}
{{- else }}
{{- $_ := set $identity "grant_root" "${PENSTOCK_GRANT_ROOT}" }}
{{- if $secrets.previousGrantRoot.existingSecret }}
{{- $_ := set $identity "previous_grant_root" "${PENSTOCK_PREVIOUS_GRANT_ROOT}" }}
{{- end }}
{{- end }}
{{- toYaml $identity }}
{{- end }}

{{/* "true" for a component that has a derived key instead of the root. */}}
{{- define "penstock.hasGrantKey" -}}
{{- if and .root.Values.secrets.grantKeys.existingSecret (has .component.name (list "session-state" "memory-recall" "provider-adapter")) }}true{{ end }}
{{- end }}

{{/* Keys as files where they are mounted; what only the calls need is told only to who makes them. */}}
{{- define "penstock.providers" -}}
{{- $keys := .root.Values.secrets.providerKeys }}
{{- $calls := has .component.name (list "provider-adapter" "standalone") }}
{{- $providers := list }}
{{- range default list .root.Values.config.providers }}
{{- $provider := deepCopy . }}
{{- if hasKey $keys $provider.name }}
{{- $_ := set $provider "api_key_file" (printf "/etc/penstock/provider-keys/%s/key" $provider.name) }}
{{- end }}
{{- $providers = append $providers (ternary $provider (omit $provider "proxy" "api_key_env" "api_key_file") $calls) }}
{{- end }}
{{- toYaml $providers }}
{{- end }}
