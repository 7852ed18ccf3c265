//! `parsebook simulate`.

use std::time::Duration;

use parsebook_simulator::{Client, Config, Faults, PageLayout, Season, SimulatedClock, Simulator, World};

use crate::args::{Layout, SimulateArgs, Usage};
use crate::output::{complain, grouped, say};

pub async fn simulate(args: &SimulateArgs) -> anyhow::Result<()> {
    if args.fault.iter().any(|fault| fault == "list") {
        say(&Faults::help());
        return Ok(());
    }
    let mut config = Config::new(world(args)?);
    config.listen = args.listen;
    config.points_per_hour = args.points_per_hour;
    if args.hour_seconds == 0 {
        return Err(Usage::of("--hour-seconds 0: an hour lasts at least a second"));
    }
    config.hour = Duration::from_secs(args.hour_seconds);
    config.latency = Duration::from_millis(args.latency_ms);
    config.layout = match args.layout {
        Layout::Fragment => PageLayout::Fragment,
        Layout::Page => PageLayout::Page,
    };
    if !args.client.is_empty() {
        config.clients =
            args.client.iter().map(|text| text.parse::<Client>()).collect::<Result<_, _>>().map_err(Usage::of)?;
    }
    for fault in &args.fault {
        config.faults.set_text(fault).map_err(Usage::of)?;
    }
    config.behaviour = args.behaviour.behaviour();
    config.season = args
        .time
        .season
        .then(|| Season { length: Duration::from_secs(args.time.season_days * 86_400), ..Season::default() });
    if args.time.clock_speed < 0.0 {
        return Err(Usage::of(format!("--clock-speed {}: time does not run backwards", args.time.clock_speed)));
    }
    if let Some(start) = args.time.clock {
        config.simulated_clock = Some(SimulatedClock::running(start, args.time.clock_speed));
    }
    let keys: Vec<_> = config
        .clients
        .iter()
        .map(|client| serde_json::json!({"name": client.id, "clientId": client.id, "clientSecret": client.secret}))
        .collect();
    let simulator = Simulator::start(config).await?;
    say(&format!(
        "simulated Warcraft Logs with {} players at {}",
        grouped(simulator.world().len() as u64),
        simulator.url()
    ));
    say(&format!("export WCL_URL={} WCL_API_KEYS='{}'", simulator.url(), serde_json::to_string(&keys)?));
    tokio::signal::ctrl_c().await?;
    simulator.shutdown().await;
    Ok(())
}

fn world(args: &SimulateArgs) -> anyhow::Result<World> {
    if args.world.is_empty() {
        return Ok(World::generate(args.players, args.seed));
    }
    let loaded = World::load(&args.world)?;
    if loaded.skipped > 0 {
        loaded.causes.iter().for_each(|cause| complain(&format!("skipped: {cause}")));
        complain(&format!("{} lines skipped", grouped(loaded.skipped as u64)));
    }
    Ok(loaded.world)
}
