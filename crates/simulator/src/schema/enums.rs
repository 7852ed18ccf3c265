//! The enums of the fields we serve, with every value of the full schema, so that a query valid there is valid here.

use async_graphql::Enum;

use crate::behaviour::{Behaviour, Compare, Timeframe};
use crate::classes::Role;
use crate::ranks::Lens;

/// A value as the API spells it.
pub(super) trait Spelled {
    /// The spelling.
    fn text(self) -> &'static str;
}

macro_rules! api_enum {
    ($(#[$meta:meta])* $name:ident { $($variant:ident $text:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
        pub(super) enum $name {
            $(#[graphql(name = $text)] $variant,)*
        }

        impl Spelled for $name {
            fn text(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }
    };
}

api_enum! {
    /// Metrics of `zoneRankings`; Warcraft has a rank under a few of them only.
    CharacterPageRankingMetricType {
        BossCdps "bosscdps", BossDps "bossdps", BossNdps "bossndps", BossRdps "bossrdps", Default "default", Dps "dps",
        Hps "hps", Krsi "krsi", PlayerScore "playerscore", PlayerSpeed "playerspeed", Cdps "cdps", Ndps "ndps",
        Rdps "rdps", TankHps "tankhps", Wdps "wdps", HealerCombinedDps "healercombineddps",
        HealerCombinedBossDps "healercombinedbossdps", HealerCombinedCdps "healercombinedcdps",
        HealerCombinedBossCdps "healercombinedbosscdps", HealerCombinedNdps "healercombinedndps",
        HealerCombinedBossNdps "healercombinedbossndps", HealerCombinedRdps "healercombinedrdps",
        HealerCombinedBossRdps "healercombinedbossrdps", TankCombinedDps "tankcombineddps",
        TankCombinedBossDps "tankcombinedbossdps", TankCombinedCdps "tankcombinedcdps",
        TankCombinedBossCdps "tankcombinedbosscdps", TankCombinedNdps "tankcombinedndps",
        TankCombinedBossNdps "tankcombinedbossndps", TankCombinedRdps "tankcombinedrdps",
        TankCombinedBossRdps "tankcombinedbossrdps", PointsAndDamage "points_and_damage",
        PointsAndHealing "points_and_healing",
    }
}

api_enum! {
    /// Metrics of `encounterRankings`: without the two of Mythic+.
    CharacterRankingMetricType {
        BossCdps "bosscdps", BossDps "bossdps", BossNdps "bossndps", BossRdps "bossrdps", Default "default", Dps "dps",
        Hps "hps", Krsi "krsi", PlayerScore "playerscore", PlayerSpeed "playerspeed", Cdps "cdps", Ndps "ndps",
        Rdps "rdps", TankHps "tankhps", Wdps "wdps", HealerCombinedDps "healercombineddps",
        HealerCombinedBossDps "healercombinedbossdps", HealerCombinedCdps "healercombinedcdps",
        HealerCombinedBossCdps "healercombinedbosscdps", HealerCombinedNdps "healercombinedndps",
        HealerCombinedBossNdps "healercombinedbossndps", HealerCombinedRdps "healercombinedrdps",
        HealerCombinedBossRdps "healercombinedbossrdps", TankCombinedDps "tankcombineddps",
        TankCombinedBossDps "tankcombinedbossdps", TankCombinedCdps "tankcombinedcdps",
        TankCombinedBossCdps "tankcombinedbosscdps", TankCombinedNdps "tankcombinedndps",
        TankCombinedBossNdps "tankcombinedbossndps", TankCombinedRdps "tankcombinedrdps",
        TankCombinedBossRdps "tankcombinedbossrdps",
    }
}

api_enum! {
    /// Metrics of a report's rankings.
    ReportRankingMetricType {
        BossCdps "bosscdps", BossDps "bossdps", BossNdps "bossndps", BossRdps "bossrdps", Default "default", Dps "dps",
        Hps "hps", Krsi "krsi", PlayerScore "playerscore", PlayerSpeed "playerspeed", Cdps "cdps", Ndps "ndps",
        Rdps "rdps", TankHps "tankhps", Wdps "wdps",
    }
}

api_enum! {
    /// Role filter.
    RoleType { Any "Any", Dps "DPS", Healer "Healer", Tank "Tank" }
}

api_enum! {
    /// Best of the tier, or a two-week window.
    RankingCompareType { Rankings "Rankings", Parses "Parses" }
}

api_enum! {
    /// Compared with today's or with that time's ranks.
    RankingTimeframeType { Today "Today", Historical "Historical" }
}

impl RoleType {
    /// The role that is meant; nothing for any.
    pub(super) fn role(self) -> Option<Role> {
        match self {
            Self::Any => None,
            Self::Dps => Some(Role::Damage),
            Self::Healer => Some(Role::Healer),
            Self::Tank => Some(Role::Tank),
        }
    }
}

/// What ranks are compared with, as asked or by the API's own choice.
pub(super) fn lens(
    behaviour: &Behaviour,
    compare: Option<RankingCompareType>,
    timeframe: Option<RankingTimeframeType>,
) -> Lens {
    Lens {
        compare: match compare {
            None => behaviour.default_compare,
            Some(RankingCompareType::Rankings) => Compare::Rankings,
            Some(RankingCompareType::Parses) => Compare::Parses,
        },
        timeframe: match timeframe {
            None => behaviour.default_timeframe,
            Some(RankingTimeframeType::Today) => Timeframe::Today,
            Some(RankingTimeframeType::Historical) => Timeframe::Historical,
        },
    }
}

api_enum! {
    /// Which fights of a report are meant.
    KillType { All "All", Encounters "Encounters", Kills "Kills", Trash "Trash", Wipes "Wipes" }
}
