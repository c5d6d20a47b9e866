import { generateKeyPairSync } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { type AuditLevel, auditPolicy } from './audit.ts';

/** User names of the control plane, each with itself as its token. */
export const ADMIN = 'admin';
export const CONTROLLERS = 'controllers';
export const KUBELET = 'kubelet';

const STAGES = join(import.meta.dirname, 'kwok-stages.yaml');

/** Writes what the components read: tokens, the key pair of service accounts and the audit policy. */
export function writeFiles(dir: string, auditLevel: AuditLevel): void {
  const keys = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  writeFileSync(join(dir, 'sa.pub'), keys.publicKey);
  writeFileSync(join(dir, 'sa.key'), keys.privateKey, { mode: 0o600 });
  const tokens = [ADMIN, CONTROLLERS, KUBELET].map((name) => `${name},${name},${name},"system:masters"\n`);
  writeFileSync(join(dir, 'tokens.csv'), tokens.join(''), { mode: 0o600 });
  writeFileSync(
    join(dir, 'audit-policy.json'),
    auditPolicy(auditLevel, [ADMIN, CONTROLLERS, KUBELET, 'system:apiserver']),
  );
}

export function etcdArgs(dir: string, clientUrl: string, peerUrl: string): string[] {
  return [
    `--data-dir=${join(dir, 'etcd')}`,
    `--listen-client-urls=${clientUrl}`,
    `--advertise-client-urls=${clientUrl}`,
    `--listen-peer-urls=${peerUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--initial-cluster=default=${peerUrl}`,
    '--unsafe-no-fsync',
  ];
}

export function apiServerArgs(dir: string, etcdUrl: string, port: number): string[] {
  return [
    `--etcd-servers=${etcdUrl}`,
    `--secure-port=${port}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--cert-dir=${join(dir, 'certs')}`,
    `--service-account-key-file=${join(dir, 'sa.pub')}`,
    `--service-account-signing-key-file=${join(dir, 'sa.key')}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--token-auth-file=${join(dir, 'tokens.csv')}`,
    '--authorization-mode=Node,RBAC',
    '--service-cluster-ip-range=10.96.0.0/16',
    `--audit-policy-file=${join(dir, 'audit-policy.json')}`,
    `--audit-log-path=${auditLogPath(dir)}`,
    // Offsets into the file are marks, so it must not rotate.
    '--audit-log-maxsize=100000',
  ];
}

export function controllerManagerArgs(dir: string, kubeconfig: string, controllers: string): string[] {
  return [
    `--kubeconfig=${kubeconfig}`,
    `--controllers=${controllers}`,
    `--service-account-private-key-file=${join(dir, 'sa.key')}`,
    `--root-ca-file=${certificatePath(dir)}`,
    '--leader-elect=false',
    '--secure-port=0',
  ];
}

/** @param selector of the labels of the nodes that it plays the kubelet of; null for all */
export function kwokArgs(kubeconfig: string, port: number, selector: string | null): string[] {
  return [
    `--kubeconfig=${kubeconfig}`,
    selector === null ? '--manage-all-nodes=true' : `--manage-nodes-with-label-selector=${selector}`,
    `--config=${STAGES}`,
    `--server-address=127.0.0.1:${port}`,
  ];
}

/** The serving certificate kube-apiserver made for itself, once it is complete. */
export function readCertificate(dir: string): string | undefined {
  if (!existsSync(certificatePath(dir))) return undefined;
  const pem = readFileSync(certificatePath(dir), 'utf8');
  return pem.trimEnd().endsWith('-----END CERTIFICATE-----') ? pem : undefined;
}

export function auditLogPath(dir: string): string {
  return join(dir, 'audit.log');
}

function certificatePath(dir: string): string {
  return join(dir, 'certs', 'apiserver.crt');
}

/** Compacts etcd up to a revision, through its JSON gateway. @throws Error when etcd refuses. */
export function compactEtcd(etcdUrl: string, revision: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const call = request(`${etcdUrl}/v3/kv/compaction`, { method: 'POST' }, (answer) => {
    answer.resume();
    if (answer.statusCode === 200) resolve();
    else reject(new Error(`compacting etcd to ${revision}: HTTP ${answer.statusCode}`));
  });
  call.once('error', reject);
  call.end(JSON.stringify({ revision: String(revision), physical: true }));
  return promise;
}
