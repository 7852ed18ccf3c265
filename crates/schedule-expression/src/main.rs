//! `parsebook-schedule-expression NAME=EXPRESSION…`: names the first that EventBridge Scheduler would not take.

use std::process::ExitCode;

fn main() -> ExitCode {
    for argument in std::env::args().skip(1) {
        let (name, expression) = argument.split_once('=').unwrap_or(("", &argument));
        if let Err(problem) = parsebook_schedule_expression::check(expression) {
            eprintln!("{name}: {expression}: {problem}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
