// The lines that fetch an artifact with each client.

interface Wanted {
  /** The whole name: host, project and repository. */
  name: string;
  /** A tag or a digest. */
  of: string;
  /** What the server says it is. */
  kind: string;
  /** Whether the registry was reached by plain http, which some clients have to be told. */
  isPlain: boolean;
}

export interface Line {
  client: string;
  text: string;
}

export function pullCommands({ name, of, kind, isPlain }: Wanted): Line[] {
  const whole = `${name}${of.includes(':') ? '@' : ':'}${of}`;
  const tls = (option: string) => (isPlain ? ` ${option}` : '');
  if (kind === 'CHART') {
    const version = of.includes(':') ? '' : ` --version ${of}`;
    const chart = of.includes(':') ? `oci://${whole}` : `oci://${name}`;
    return [
      { client: 'helm', text: `helm pull ${chart}${version}${tls('--plain-http')}` },
      { client: 'helm install', text: `helm install RELEASE ${chart}${version}${tls('--plain-http')}` },
    ];
  }
  if (kind !== 'IMAGE') {
    return [
      { client: 'oras', text: `oras pull ${whole}${tls('--plain-http')}` },
      { client: 'skopeo', text: `skopeo copy docker://${whole} oci:artifact${tls('--src-tls-verify=false')}` },
    ];
  }
  return [
    { client: 'docker', text: `docker pull ${whole}` },
    { client: 'podman', text: `podman pull ${whole}${tls('--tls-verify=false')}` },
    { client: 'containerd', text: `ctr images pull ${whole}${tls('--plain-http')}` },
    { client: 'skopeo', text: `skopeo copy docker://${whole} oci:image${tls('--src-tls-verify=false')}` },
  ];
}
