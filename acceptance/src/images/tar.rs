//! The few kinds of tar entries that a layer needs (POSIX ustar).

use std::fmt::Write as _;

const BLOCK: usize = 512;

/// One entry of an archive.
pub(super) struct Entry {
    name: String,
    kind: u8,
    mode: u32,
    target: String,
    content: Vec<u8>,
}

impl Entry {
    pub(super) fn file(name: &str, content: impl Into<Vec<u8>>) -> Entry {
        Entry { content: content.into(), ..Entry::bare(name, b'0', 0o644) }
    }

    pub(super) fn program(name: &str, content: Vec<u8>) -> Entry {
        Entry { content, ..Entry::bare(name, b'0', 0o755) }
    }

    pub(super) fn folder(name: &str) -> Entry {
        Entry::bare(&format!("{name}/"), b'5', 0o755)
    }

    pub(super) fn link(name: &str, target: &str) -> Entry {
        Entry { target: target.to_owned(), ..Entry::bare(name, b'2', 0o777) }
    }

    fn bare(name: &str, kind: u8, mode: u32) -> Entry {
        Entry { name: name.to_owned(), kind, mode, target: String::new(), content: Vec::new() }
    }
}

/// The whole archive, with the two empty blocks that end it.
pub(super) fn archive(entries: &[Entry]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in entries {
        bytes.extend(header(entry, entry.content.len() as u64));
        bytes.extend(&entry.content);
        bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
    }
    bytes.resize(bytes.len() + 2 * BLOCK, 0);
    bytes
}

/// The header of a file whose content is written by somebody else.
pub(super) fn file_header(name: &str, size: u64) -> [u8; BLOCK] {
    header(&Entry::bare(name, b'0', 0o644), size)
}

fn header(entry: &Entry, size: u64) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let mut put = |at: usize, text: &str| block[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, &entry.name);
    put(100, &format!("{:07o}", entry.mode));
    put(108, "0000000");
    put(116, "0000000");
    put(124, &format!("{size:011o}"));
    put(136, "00000000000");
    put(148, "        ");
    put(157, &entry.target);
    put(257, "ustar\u{0}00");
    block[156] = entry.kind;
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    let mut checksum = String::new();
    write!(checksum, "{sum:06o}\u{0} ").unwrap();
    block[148..156].copy_from_slice(checksum.as_bytes());
    block
}
