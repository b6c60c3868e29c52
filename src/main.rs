//! The `watchglass` binary.

fn main() {}
