//! Which setting of which client is missing.

/// For a client that insists on https where the server speaks http.
pub(super) fn plain_http(host: &str) -> String {
    format!(
        "best give the registry a certificate (tls.cert, tls.key) and use https; else tell each client. \
         docker: \"insecure-registries\": [\"{host}\"] in /etc/docker/daemon.json, then restart dockerd. \
         podman, buildah, skopeo: [[registry]] location = \"{host}\" insecure = true in \
         /etc/containers/registries.conf.d/hythe.conf. \
         containerd: server = \"http://{host}\" in /etc/containerd/certs.d/{host}/hosts.toml"
    )
}

/// For a client that does not know who signed the certificate.
pub(super) fn unknown_issuer(host: &str) -> String {
    format!(
        "give each client the certificate of who signed it. docker: /etc/docker/certs.d/{host}/ca.crt. \
         podman, buildah, skopeo: /etc/containers/certs.d/{host}/ca.crt. \
         containerd: ca = \"/path/ca.crt\" under [host.\"https://{host}\"] in /etc/containerd/certs.d/{host}/hosts.toml. \
         Or use a certificate (tls.cert, tls.key) that they trust already. \
         Or, in a network where nobody listens, docker: \"insecure-registries\": [\"{host}\"] in /etc/docker/daemon.json"
    )
}

/// For a proxy that refuses large bodies.
pub(super) const UNLIMITED: &str = "lift the limit of the proxy: nginx: client_max_body_size 0; \
     Kubernetes ingress-nginx: annotation nginx.ingress.kubernetes.io/proxy-body-size: \"0\"; Apache: LimitRequestBody 0; \
     Traefik: no buffering middleware; some providers' proxies have limits that nobody can lift";

/// For a proxy that keeps bodies back.
pub(super) const UNBUFFERED: &str = "let the proxy pass bodies on as they come: nginx: proxy_request_buffering off and \
     proxy_http_version 1.1; Kubernetes ingress-nginx: annotation nginx.ingress.kubernetes.io/proxy-request-buffering: \"off\"";

/// For a proxy that hides which address the client asked.
pub(super) const PROXY_HEADERS: &str = "let the proxy pass Host, X-Forwarded-Proto and X-Forwarded-Host on and name its \
     network in server.trusted_proxies, or set server.external_url to the address that clients use";
