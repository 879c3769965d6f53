//! Images made from nothing, as OCI layouts in the cache: made once, read by every test.

mod layout;
mod tar;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

pub use layout::{Image, Layout};
use tar::Entry;

use crate::client::Client;
use crate::places;

/// One maker at a time: two tests that want the same image shall not make it twice.
static MAKING: Mutex<()> = Mutex::new(());
/// Part of each folder's name: raise it when what is made here changes.
const GENERATION: u32 = 1;
/// Programs that the small image has, all of them busybox.
const APPLETS: &[&str] = &["sh", "ls", "cat", "echo", "id", "sleep", "sha256sum"];

/// A busybox that runs: `sh`, `echo`, `cat` and a few more.
pub fn busybox() -> Image {
    made("busybox", |layout| {
        let busybox = fs::read("/bin/busybox").unwrap();
        let mut entries =
            vec![Entry::folder("bin"), Entry::program("bin/busybox", busybox), Entry::folder("etc")];
        entries.push(Entry::file("etc/passwd", "root:x:0:0:root:/:/bin/sh\n"));
        entries.extend(APPLETS.iter().map(|name| Entry::link(&format!("bin/{name}"), "busybox")));
        let layer = layout.layer(&entries);
        let image = layout.image("amd64", &[layer]);
        layout.tag(&image);
    })
}

/// 120 layers of 4 KiB, about as many as storage drivers take.
pub fn many_layers() -> Image {
    made("many-layers", |layout| {
        let file = |index: u64| Entry::file(&format!("data/{index}"), noise(index, 4096));
        let layers: Vec<_> = (0..120).map(|index| layout.layer(&[file(index)])).collect();
        let image = layout.image("amd64", &layers);
        layout.tag(&image);
    })
}

/// One layer of 1 GiB that does not compress.
pub fn large() -> Image {
    made("large", |layout| {
        let layer = layout.large_layer("data/large", 1 << 30);
        let image = layout.image("amd64", &[layer]);
        layout.tag(&image);
    })
}

/// An index over three architectures.
pub fn multi_arch() -> Image {
    made("multi-arch", |layout| {
        let image = |layout: &Layout, architecture: &str| {
            let layer = layout.layer(&[Entry::file("arch", architecture)]);
            layout.image(architecture, &[layer])
        };
        let images: Vec<_> = ["amd64", "arm64", "s390x"].iter().map(|name| image(layout, name)).collect();
        let index = layout.index(&images);
        layout.tag(&index);
    })
}

/// A Debian root file system in one layer, by debootstrap from the mirror that apt uses.
pub fn debian() -> Image {
    made("debian", |layout| {
        let root = layout.root().join("rootfs");
        let mirror = Client::new("apt-get", layout.root())
            .args(["indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"])
            .succeeds();
        let mirror = mirror.lines().next().unwrap();
        let debootstrap = Client::new("debootstrap", layout.root());
        debootstrap.args(["--variant=minbase", "bookworm"]).arg(&root).arg(mirror).succeeds();
        let archive = layout.root().join("rootfs.tar");
        Client::new("tar", layout.root()).arg("-cf").arg(&archive).arg("-C").arg(&root).arg(".").succeeds();
        fs::remove_dir_all(&root).unwrap();
        let layer = layout.adopt_layer(&archive);
        let image = layout.image("amd64", &[layer]);
        layout.tag(&image);
    })
}

/// The image of this name in the cache, made first where it is not there: beside its place, then moved there whole.
fn made(name: &'static str, make: impl FnOnce(&Layout)) -> Image {
    let _one = MAKING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let images = places::cache().join("images");
    let place = images.join(format!("{name}-{GENERATION}"));
    if !place.is_dir() {
        let draft = images.join(format!(".{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&draft);
        make(&Layout::create(&draft, name));
        publish(&draft, &place);
    }
    Image::new(place, name)
}

/// Another process may have been quicker; then its image stands.
fn publish(draft: &Path, place: &PathBuf) {
    if fs::rename(draft, place).is_err() {
        assert!(place.is_dir(), "cannot move {} to {}", draft.display(), place.display());
        fs::remove_dir_all(draft).unwrap();
    }
}

/// Repeatable bytes that do not compress (xorshift64*).
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        bytes.extend(state.wrapping_mul(0x2545_F491_4F6C_DD1D).to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}
