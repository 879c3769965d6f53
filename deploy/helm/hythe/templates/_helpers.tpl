{{- define "hythe.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "hythe.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "hythe.fullname" -}}
{{- if eq .Release.Name .Chart.Name }}{{ .Release.Name }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" }}{{ end }}
{{- end }}

{{/* What would run and lose data, or not run at all, is refused here, with what to do. */}}
{{- define "hythe.check" -}}
{{- if not .Values.image.repository }}
{{- fail "image.repository is not set: build deploy/image/Dockerfile, push it to a registry that the cluster reaches, and name it here" }}
{{- end }}
{{- if and .Values.database.existingSecret (not .Values.secrets.existingSecret) }}
{{- fail "secrets.existingSecret is not set, and nodes that share a database share the key to its secrets: kubectl create secret generic hythe-key --from-literal=key=$(openssl rand -base64 32), and name it" }}
{{- end }}
{{- if and (hasPrefix "s3://" .Values.storage.url) (not .Values.storage.s3.existingSecret) }}
{{- fail "storage.url is a bucket but storage.s3.existingSecret is not set: make a secret with the keys access-key and secret-key and name it" }}
{{- end }}
{{- if and .Values.storage.url (not (hasPrefix "s3://" .Values.storage.url)) }}
{{- fail (printf "storage.url is %q: it is s3://BUCKET/PREFIX, or empty for a folder on the volume of persistence" .Values.storage.url) }}
{{- end }}
{{- end }}

{{- define "hythe.env" -}}
- name: HYTHE_NODE
  valueFrom: { fieldRef: { fieldPath: metadata.name } }
- name: HYTHE_SERVER_LISTEN
  value: ":5000"
# Longer than the readiness probe needs to fail, and within the slack of the grace period.
- name: HYTHE_SERVER_NOTICE_SECONDS
  value: "8"
- name: HYTHE_SERVER_DRAIN_SECONDS
  value: {{ .Values.drainSeconds | quote }}
- name: HYTHE_LOG_FORMAT
  value: json
{{- with .Values.database.existingSecret }}
- name: HYTHE_DATABASE_URL
  valueFrom: { secretKeyRef: { name: {{ . }}, key: url } }
{{- end }}
{{- with .Values.secrets.existingSecret }}
- name: HYTHE_SECRETS_KEY
  valueFrom: { secretKeyRef: { name: {{ . }}, key: key } }
{{- end }}
{{- with .Values.storage.url }}
- name: HYTHE_STORAGE_URL
  value: {{ . | quote }}
- name: HYTHE_STORAGE_REDIRECT
  value: {{ $.Values.storage.s3.redirect | quote }}
- name: HYTHE_STORAGE_S3_REGION
  value: {{ $.Values.storage.s3.region | quote }}
{{- with $.Values.storage.s3.endpoint }}
- name: HYTHE_STORAGE_S3_ENDPOINT
  value: {{ . | quote }}
{{- end }}
- name: HYTHE_STORAGE_S3_ACCESS_KEY
  valueFrom: { secretKeyRef: { name: {{ $.Values.storage.s3.existingSecret }}, key: access-key } }
- name: HYTHE_STORAGE_S3_SECRET_KEY
  valueFrom: { secretKeyRef: { name: {{ $.Values.storage.s3.existingSecret }}, key: secret-key } }
{{- end }}
{{- with .Values.admin.existingSecret }}
- name: HYTHE_ADMIN_PASSWORD
  valueFrom: { secretKeyRef: { name: {{ . }}, key: password } }
{{- end }}
{{- if .Values.tls.existingSecret }}
- name: HYTHE_TLS_CERT
  value: /etc/hythe/tls/tls.crt
- name: HYTHE_TLS_KEY
  value: /etc/hythe/tls/tls.key
{{- end }}
{{- with .Values.trustedProxies }}
- name: HYTHE_SERVER_TRUSTED_PROXIES
  value: {{ join "," . | quote }}
{{- end }}
{{- range $name, $value := .Values.settings }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}

{{- define "hythe.pod" -}}
metadata:
  labels: {{- include "hythe.selector" . | nindent 4 }}
  annotations:
    prometheus.io/scrape: "true"
    prometheus.io/port: "5000"
    prometheus.io/path: /metrics
    {{- with .Values.podAnnotations }}{{ toYaml . | nindent 4 }}{{ end }}
spec:
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets: {{- toYaml . | nindent 4 }}
  {{- end }}
  automountServiceAccountToken: false
  {{- /* Else the cluster adds HYTHE_PORT and the like for the service of this name: no settings, and refused. */}}
  enableServiceLinks: false
  # Some seconds more than the node takes for itself.
  terminationGracePeriodSeconds: {{ add .Values.drainSeconds 15 }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 10001
    runAsGroup: 10001
    fsGroup: 10001
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile: { type: RuntimeDefault }
  containers:
    - name: hythe
      image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args: [serve, --data, /var/lib/hythe]
      env: {{- include "hythe.env" . | nindent 8 }}
      ports: [{ name: registry, containerPort: 5000 }]
      # Alive: the process answers. Ready: it also reaches its database and its storage, and does not drain.
      livenessProbe: { httpGet: { path: /livez, port: registry }, periodSeconds: 10, failureThreshold: 6 }
      readinessProbe: { httpGet: { path: /readyz, port: registry }, periodSeconds: 3, failureThreshold: 2 }
      startupProbe: { httpGet: { path: /livez, port: registry }, periodSeconds: 1, failureThreshold: 120 }
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: { drop: [ALL] }
      resources: {{- toYaml .Values.resources | nindent 8 }}
      volumeMounts:
        - { name: data, mountPath: /var/lib/hythe }
        - { name: tmp, mountPath: /tmp }
        {{- if .Values.tls.existingSecret }}
        - { name: tls, mountPath: /etc/hythe/tls, readOnly: true }
        {{- end }}
  volumes:
    - { name: tmp, emptyDir: {} }
    {{- if .Values.tls.existingSecret }}
    - { name: tls, secret: { secretName: {{ .Values.tls.existingSecret }} } }
    {{- end }}
    {{- if and .Values.database.existingSecret .Values.storage.url }}
    - { name: data, emptyDir: {} }
    {{- else if .Values.database.existingSecret }}
    - { name: data, persistentVolumeClaim: { claimName: {{ include "hythe.fullname" . }} } }
    {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity: {{- toYaml . | nindent 4 }}
  {{- else }}
  affinity:
    podAntiAffinity:
      preferredDuringSchedulingIgnoredDuringExecution:
        - weight: 100
          podAffinityTerm:
            topologyKey: kubernetes.io/hostname
            labelSelector:
              matchLabels: {{- include "hythe.selector" . | nindent 16 }}
  {{- end }}
{{- end }}
