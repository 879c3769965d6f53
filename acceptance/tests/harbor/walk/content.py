"""What is pushed before the walk through artifacts: two images, an index of both, a chart, and signatures."""

import gzip
import hashlib
import io
import json
import tarfile

import httpx

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
CHART_CONFIG = "application/vnd.cncf.helm.config.v1+json"
CHART_LAYER = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
EMPTY = "application/vnd.oci.empty.v1+json"
CHART_FILES = {
    "demo/Chart.yaml": "apiVersion: v2\nname: demo\nversion: 1.2.3\n",
    "demo/README.md": "# demo\n\nA chart to walk by.\n",
    "demo/values.yaml": "replicas: 2\n",
}


class Pusher:
    """Pushes through the distribution protocol, as clients do."""

    def __init__(self, origin, user, password, repository):
        self.http = httpx.Client(base_url=origin, auth=(user, password), timeout=20)
        self.repository = repository

    def image(self, architecture, tag=None):
        """An image of one layer; its descriptor within an index."""
        layer = self.blob(LAYER, gzip.compress(f"layer for {architecture}".encode(), mtime=0))
        history = [{"created": "2026-01-02T03:04:05Z", "created_by": "COPY app /app"}]
        history += [{"created": "2026-01-02T03:04:06Z", "created_by": 'CMD ["/app"]', "empty_layer": True}]
        config = {
            "architecture": architecture, "os": "linux", "author": "the walk", "created": "2026-01-02T03:04:06Z",
            "config": {"Cmd": ["/app"], "Labels": {"walked": "yes"}},
            "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]}, "history": history,
        }
        described = self.manifest(MANIFEST, {"config": self.blob(CONFIG, text(config)), "layers": [layer]}, tag)
        return described | {"platform": {"architecture": architecture, "os": "linux"}}

    def index(self, images, tag):
        return self.manifest(INDEX, {"manifests": images}, tag)

    def chart(self, tag):
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            for name, content in CHART_FILES.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content.encode()))
        config = self.blob(CHART_CONFIG, text({"name": "demo", "version": "1.2.3", "apiVersion": "v2"}))
        layer = self.blob(CHART_LAYER, packed.getvalue())
        return self.manifest(MANIFEST, {"config": config, "layers": [layer]}, tag)

    def signature(self, subject):
        """A notation signature, which Harbor shows as an accessory of its subject."""
        subject = {name: subject[name] for name in ("mediaType", "digest", "size")}
        content = {
            "artifactType": "application/vnd.cncf.notary.signature", "subject": subject,
            "config": self.blob("application/vnd.cncf.notary.signature", b"{}"),
            "layers": [self.blob("application/jose+json", b'{"payload":"none"}')],
        }
        return self.manifest(MANIFEST, content)

    def blob(self, media_type, content):
        digest = digest_of(content)
        started = self.http.post(f"/v2/{self.repository}/blobs/uploads/").raise_for_status()
        where = httpx.URL(started.headers["location"]).copy_merge_params({"digest": digest})
        self.http.put(where, content=content).raise_for_status()
        return {"mediaType": media_type, "digest": digest, "size": len(content)}

    def manifest(self, media_type, content, tag=None):
        body = text({"schemaVersion": 2, "mediaType": media_type} | content)
        digest = digest_of(body)
        where = f"/v2/{self.repository}/manifests/{tag or digest}"
        self.http.put(where, content=body, headers={"content-type": media_type}).raise_for_status()
        return {"mediaType": media_type, "digest": digest, "size": len(body)}

    def pull(self, reference):
        return self.http.get(f"/v2/{self.repository}/manifests/{reference}").raise_for_status().content


def text(value):
    return json.dumps(value).encode()


def digest_of(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()
