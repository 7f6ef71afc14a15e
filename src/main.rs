//! The `handover` command; everything it does is in `cli`.

/// A message is some thousands of small allocations, many freed by another thread than made them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    handover::cli::main()
}
