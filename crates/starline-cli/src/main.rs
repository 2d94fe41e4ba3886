//! The command line of starline.

fn main() {}
