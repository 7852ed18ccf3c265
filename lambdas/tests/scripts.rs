//! `scripts/deploy` and `scripts/invoke` themselves.

use std::process::Output;

use anyhow::Result;
use parsebook_test_support::deployed::script;

fn told(output: &Output) -> String {
    (String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr)).into_owned()
}

#[test]
fn wrong_arguments_are_named_before_anything_is_done() -> Result<()> {
    let nowhere = "http://127.0.0.1:1";
    for (name, arguments, named) in [
        ("deploy", &["--dry"][..], "unknown argument --dry"),
        ("invoke", &["discover"], "two arguments"),
        ("invoke", &["nobody", "{}"], "no Lambda is named nobody"),
        ("invoke", &["discover", "nothing"], "neither JSON, nor a file"),
    ] {
        let output = script(name, nowhere).args(arguments).output()?;
        assert_eq!(output.status.code(), Some(1), "{name} {arguments:?}");
        assert!(told(&output).contains(named), "{name} {arguments:?}: {}", told(&output));
    }
    Ok(())
}
