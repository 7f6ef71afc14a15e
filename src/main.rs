//! The `handover` command; everything it does is in `cli`.

fn main() -> std::process::ExitCode {
    handover::cli::main()
}
