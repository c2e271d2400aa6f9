{{/* Seconds of a duration as the configuration writes them ("1h30m", "500ms"), rounded up: takes {path, text}. */}}
{{- define "penstock.seconds" -}}
{{- $text := toString .text }}
{{- if not (regexMatch "^([0-9]+(\\.[0-9]+)?(h|m|s|ms|us|ns))+$" $text) }}
{{- fail (printf "%s: found %q, allowed a duration such as 500ms, 30s or 1m30s" .path $text) }}
{{- end }}
{{- $scale := dict "h" 3600.0 "m" 60.0 "s" 1.0 "ms" 0.001 "us" 0.000001 "ns" 0.000000001 }}
{{- $sum := 0.0 }}
{{- range regexFindAll "[0-9]+(\\.[0-9]+)?[a-z]+" $text -1 }}
{{- $unit := regexFind "[a-z]+$" . }}
{{- $sum = addf $sum (mulf (trimSuffix $unit . | float64) (get $scale $unit)) }}
{{- end }}
{{- ceil $sum | int }}
{{- end }}

{{/* How long a pod may take to leave: what runs may end, then 10 s for the rest; a long delay before is added. */}}
{{- define "penstock.terminationGrace" -}}
{{- $drain := default dict .Values.config.drain }}
{{- $timeout := include "penstock.seconds" (dict "path" "config.drain.timeout" "text" (default "30s" $drain.timeout)) | int }}
{{- $delay := include "penstock.seconds" (dict "path" "config.drain.delay" "text" (default "0s" $drain.delay)) | int }}
{{- add $timeout (max 10 (add $delay 5)) }}
{{- end }}
