//! Process start to first poll, databases up.

use anyhow::Result;
use parsebook_simulator::World;
use parsebook_test_support::mongod::Mongod;
use parsebook_test_support::pipeline::{LAMBDAS, Pipeline};
use parsebook_test_support::process::resident_kb;

use crate::figure;

const STARTS: usize = 9;

pub async fn measure(server: &Mongod) -> Result<()> {
    let pipeline = Pipeline::on(server.uri(), "starting".into(), World::generate(10, 1), |_| {}).await?;
    for name in LAMBDAS {
        // The first reads the binary from the disk: that is the disk's time.
        drop(pipeline.function(name).await?);
        let mut times = Vec::new();
        let mut resident = 0;
        for _ in 0..STARTS {
            let function = pipeline.function(name).await?;
            times.push(function.started_in.as_secs_f64() * 1000.0);
            resident = resident_kb(function.id())?.0;
        }
        times.sort_by(f64::total_cmp);
        figure(
            &format!("{name}: start to first poll"),
            &format!("{:.0} ms", times[STARTS / 2]),
            &format!("middle of {STARTS}, MongoDB up; worst {:.0} ms", times[STARTS - 1]),
            "below 60 ms",
        );
        let megabytes = resident as f64 / 1024.0;
        figure(&format!("{name}: resident memory"), &format!("{megabytes:.0} MB"), "at the first poll", "");
    }
    Ok(())
}
