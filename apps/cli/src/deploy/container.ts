import type { Deployment } from './deployment.js';

/** The command in an image whose `node_modules` are in /app. */
const COMMAND = ['node', 'node_modules/millrace/bin/millrace.js'];
const HEALTH = [...COMMAND, 'health'];

/** A Dockerfile for a program that has a package.json, with a lock, in the directory that it is called in. */
export function dockerfile({ words, entry }: Deployment, nodeMajor: number, port: number): string {
  return `# syntax=docker/dockerfile:1
# Written by millrace docker, for ${/^[\w./@ -]+$/.test(entry) ? entry : JSON.stringify(entry)}. A .dockerignore that names node_modules and .git keeps the image small.
FROM node:${nodeMajor}-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev

FROM node:${nodeMajor}-slim
ENV NODE_ENV=production MILLRACE_RUNTIME_DIR=/tmp/millrace
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY . .
USER node
EXPOSE ${port}
# The master is process 1: it ends the server in order, and waits for processes that others have left behind.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ${exec(HEALTH)}
ENTRYPOINT ${exec([...COMMAND, 'start', ...words])}
`;
}

const exec = (words: readonly string[]) => `[${words.map((word) => JSON.stringify(word)).join(', ')}]`;

/** The name of a Service is one of DNS: a letter first, 63 at most. */
function labelOf(name: string): string {
  const label = name.toLowerCase().replaceAll(/[^a-z0-9-]+/g, '-');
  const named = /^[a-z]/.test(label) ? label : `app-${label}`;
  return named.slice(0, 63).replace(/-+$/, '');
}

/** A Deployment and a Service of Kubernetes for an image that {@link dockerfile} makes. */
export function kubernetesManifest({ name, stopSeconds }: Deployment, image: string, port: number): string {
  const label = labelOf(name);
  const probe = (more: readonly string[]) => `exec: { command: ${exec([...HEALTH, ...more])} }`;
  return `# Written by millrace docker --kubernetes.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${label}
  labels: { app.kubernetes.io/name: ${label} }
spec:
  replicas: 2
  selector:
    matchLabels: { app.kubernetes.io/name: ${label} }
  template:
    metadata:
      labels: { app.kubernetes.io/name: ${label} }
    spec:
      # No preStop hook is needed: after SIGTERM what was accepted is finished.
      terminationGracePeriodSeconds: ${stopSeconds}
      securityContext:
        runAsNonRoot: true
        runAsUser: 1000
        seccompProfile: { type: RuntimeDefault }
      containers:
        - name: ${label}
          image: ${JSON.stringify(image)}
          ports:
            - { name: http, containerPort: ${port} }
          # Asked inside of the container: nothing but the program listens on a port.
          startupProbe:
            ${probe([])}
            periodSeconds: 2
            timeoutSeconds: 5
            failureThreshold: 45
          readinessProbe:
            ${probe([])}
            periodSeconds: 5
            timeoutSeconds: 5
          livenessProbe:
            ${probe(['--live'])}
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 3
          resources:
            requests: { cpu: 500m, memory: 512Mi }
            limits: { memory: 1Gi }
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: { drop: [ALL] }
          volumeMounts:
            - { name: tmp, mountPath: /tmp }
      volumes:
        - { name: tmp, emptyDir: {} }
---
apiVersion: v1
kind: Service
metadata:
  name: ${label}
  labels: { app.kubernetes.io/name: ${label} }
spec:
  selector: { app.kubernetes.io/name: ${label} }
  ports:
    - { name: http, port: 80, targetPort: http }
`;
}
