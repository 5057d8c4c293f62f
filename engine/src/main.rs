//! The binary: everything is in the library, but for what allocates its memory.

/// Messages are allocated by one thread and let go by others, librdkafka's among them, which the system's allocator takes
/// long for. By the feature `override` it serves the libraries in C as well.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    eventlatch::cli::main()
}
