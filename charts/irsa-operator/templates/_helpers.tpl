{{/* Names. */}}
{{- define "irsa-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "irsa-operator.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "irsa-operator.name" . -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "irsa-operator.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "irsa-operator.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name: which ServiceAccount the operator is, as serviceAccount.create is false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* Labels. A Deployment's selector can't change, so there is nothing in it that does. */}}
{{- define "irsa-operator.selector" -}}
app.kubernetes.io/name: {{ include "irsa-operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "irsa-operator.labels" -}}
{{- $labels := dict
  "app.kubernetes.io/name" (include "irsa-operator.name" .)
  "app.kubernetes.io/instance" .Release.Name
  "app.kubernetes.io/version" .Chart.AppVersion
  "app.kubernetes.io/managed-by" .Release.Service
  "helm.sh/chart" (printf "%s-%s" .Chart.Name (.Chart.Version | replace "+" "_")) -}}
{{- merge $labels .Values.commonLabels | toYaml -}}
{{- end -}}

{{/* The port of config.listen. */}}
{{- define "irsa-operator.port" -}}
{{- regexFind "[0-9]+$" .Values.config.listen -}}
{{- end -}}

{{/* The operator's variables: one for each value under config. */}}
{{- define "irsa-operator.config" -}}
{{- range $key, $value := .Values.config }}
{{- if kindIs "bool" $value }}
{{- $value = ternary (ternary "on" "off" $value) (toString $value) (eq $key "fuse") }}
{{- end }}
{{- if ne (toString $value) "" }}
- name: IRSA_{{ snakecase $key | upper }}
  value: {{ toString $value | quote }}
{{- end }}
{{- end }}
{{- end -}}
