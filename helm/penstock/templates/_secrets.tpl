{{/* One variable out of a Secret: takes {name, from: {existingSecret, key}}. */}}
{{- define "penstock.secretEnv" -}}
- name: {{ .name }}
  valueFrom: {secretKeyRef: {name: {{ .from.existingSecret }}, key: {{ .from.key }}}}
{{- end }}

{{/* Variables of a component: takes {root, component}. */}}
{{- define "penstock.env" -}}
{{- $root := .root }}
{{- $self := .component }}
{{- $secrets := $root.Values.secrets }}
{{- $lines := list }}
{{- if include "penstock.hasGrantKey" . }}
{{- $from := dict "existingSecret" $secrets.grantKeys.existingSecret "key" (get $secrets.grantKeys $self.key) }}
{{- $lines = append $lines (include "penstock.secretEnv" (dict "name" "PENSTOCK_GRANT_KEY" "from" $from)) }}
{{- else }}
{{- $lines = append $lines (include "penstock.secretEnv" (dict "name" "PENSTOCK_GRANT_ROOT" "from" $secrets.grantRoot)) }}
{{- if $secrets.previousGrantRoot.existingSecret }}
{{- $lines = append $lines (include "penstock.secretEnv" (dict "name" "PENSTOCK_PREVIOUS_GRANT_ROOT" "from" $secrets.previousGrantRoot)) }}
{{- end }}
{{- end }}
{{- range $secrets.env }}
{{- if or (not .components) (has $self.key .components) }}
{{- $lines = append $lines (include "penstock.secretEnv" (dict "name" .name "from" .)) }}
{{- end }}
{{- end }}
{{- if $self.public }}
{{- $lines = append $lines (include "penstock.clientEnv" (dict "root" $root "address" (printf "127.0.0.1:%v" $self.port))) }}
{{- end }}
{{- with concat $root.Values.extraEnv (get $root.Values $self.key).extraEnv }}
{{- $lines = append $lines (tpl (toYaml .) $root) }}
{{- end }}
{{- join "\n" $lines }}
{{- end }}

{{- define "penstock.mounts" -}}
{{- $root := .root }}
{{- $self := .component -}}
- {name: config, mountPath: /etc/penstock/config.yaml, subPath: {{ $self.name }}.yaml, readOnly: true}
- {name: tmp, mountPath: /tmp}
{{- if $self.stateful }}
- {name: data, mountPath: /var/lib/penstock}
{{- end }}
{{- if include "penstock.tlsOn" $root }}
- {name: tls, mountPath: /etc/penstock/tls, readOnly: true}
{{- end }}
{{- if $root.Values.files }}
- {name: files, mountPath: /etc/penstock/files, readOnly: true}
{{- end }}
{{- if include "penstock.mountsProviderKeys" . }}
- {name: provider-keys, mountPath: /etc/penstock/provider-keys, readOnly: true}
{{- end }}
{{- with concat $root.Values.extraVolumeMounts (get $root.Values $self.key).extraVolumeMounts }}
{{ tpl (toYaml .) $root }}
{{- end }}
{{- end }}

{{- define "penstock.mountsProviderKeys" -}}
{{- if and .root.Values.secrets.providerKeys (has .component.name (list "provider-adapter" "standalone")) }}true{{ end }}
{{- end }}

{{- define "penstock.volumes" -}}
{{- $root := .root }}
{{- $self := .component }}
{{- $values := get $root.Values $self.key -}}
- name: config
  configMap: {name: {{ include "penstock.fullname" $root }}-config}
- name: tmp
  emptyDir: {sizeLimit: 64Mi}
{{- if $self.stateful }}
{{- if not $values.persistence.enabled }}
- name: data
  emptyDir: {sizeLimit: {{ $values.persistence.size }}}
{{- end }}
{{- end }}
{{- if include "penstock.tlsOn" $root }}
- name: tls
  secret: {secretName: {{ include "penstock.tlsSecret" (dict "root" $root "key" $self.key "name" $self.name) }}, defaultMode: 0440}
{{- end }}
{{- if $root.Values.files }}
- name: files
  configMap: {name: {{ include "penstock.fullname" $root }}-files}
{{- end }}
{{- if include "penstock.mountsProviderKeys" . }}
- name: provider-keys
  projected:
    defaultMode: 0440
    sources:
      {{- range $provider, $from := $root.Values.secrets.providerKeys }}
      - secret:
          name: {{ $from.existingSecret }}
          items: [{key: {{ $from.key }}, path: {{ $provider }}/key}]
      {{- end }}
{{- end }}
{{- with concat $root.Values.extraVolumes $values.extraVolumes }}
{{ tpl (toYaml .) $root }}
{{- end }}
{{- end }}
