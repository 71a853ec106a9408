//! How the binary is linked.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // Tens of thousands of relocations are otherwise read and written at every start, and stay in memory: 3 MB of an idle
    // worker. Needs glibc 2.36 where the binary runs, which is what it was linked against or newer.
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux")
        && std::env::var("CARGO_CFG_TARGET_ENV").as_deref() == Ok("gnu")
    {
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}
