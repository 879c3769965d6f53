//! Has the console embedded anew when it was built anew. It never builds it: that takes Node, which cargo must not need.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=../../console/dist");
}
