//! Our schema against Warcraft Logs' own: every type, field, argument and enum value of ours must exist there with the
//! same type. The full schema is third-party material and not part of the repository; `WCL_SCHEMA` names a copy of it.

use std::collections::{BTreeMap, BTreeSet};

use async_graphql::Positioned;
use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{InputValueDefinition, ServiceDocument, TypeKind, TypeSystemDefinition};
use parsebook_simulator::Simulator;

/// `Type.field(argument)` to type text; types and enum values map to their kind.
type Members = BTreeMap<String, String>;

fn members(schema: &ServiceDocument) -> Members {
    let mut members = Members::new();
    for definition in &schema.definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let definition = &definition.node;
        let name = definition.name.node.as_str();
        match &definition.kind {
            TypeKind::Object(object) => {
                members.insert(name.to_owned(), "type".to_owned());
                for field in &object.fields {
                    let field = &field.node;
                    let path = format!("{name}.{}", field.name.node);
                    for argument in &field.arguments {
                        members.insert(format!("{path}({})", argument.node.name.node), type_of(argument));
                    }
                    members.insert(path, field.ty.node.to_string());
                }
            }
            TypeKind::Enum(values) => {
                members.insert(name.to_owned(), "enum".to_owned());
                for value in &values.values {
                    members.insert(format!("{name}.{}", value.node.value.node), "value".to_owned());
                }
            }
            TypeKind::Scalar => {
                members.insert(name.to_owned(), "scalar".to_owned());
            }
            _ => {}
        }
    }
    members
}

fn type_of(argument: &Positioned<InputValueDefinition>) -> String {
    argument.node.ty.node.to_string()
}

/// What ours has and the other does not, or has otherwise.
fn differences(ours: &Members, theirs: &Members) -> Vec<String> {
    let ours = ours.iter().filter(|(name, kind)| {
        let built_in = *kind == "scalar" && ["Int", "Float", "String", "Boolean", "ID"].contains(&name.as_str());
        !built_in && theirs.get(*name) != Some(kind)
    });
    ours.map(|(name, kind)| format!("{name}: {kind}, there {:?}", theirs.get(name))).collect()
}

/// Arguments of fields we have that ours lacks: a query using one would be valid there and fail here.
fn missing_arguments(ours: &Members, theirs: &Members) -> Vec<String> {
    let fields: BTreeSet<&str> = ours.keys().map(String::as_str).filter(|name| !name.contains('(')).collect();
    let missing = theirs.keys().filter(|name| {
        let field = name.split_once('(').map(|(field, _)| field);
        field.is_some_and(|field| fields.contains(field)) && !ours.contains_key(*name)
    });
    missing.cloned().collect()
}

#[test]
fn the_schema_has_the_parts_we_need() {
    let ours = members(&parse_schema(Simulator::schema_definition()).unwrap());
    for (name, kind) in [
        ("RateLimitData.pointsSpentThisHour", "Float!"),
        ("CharacterData.character", "Character"),
        ("CharacterData.character(serverSlug)", "String"),
        ("Character.zoneRankings", "JSON"),
        ("Character.zoneRankings(metric)", "CharacterPageRankingMetricType"),
        ("Character.canonicalID", "Int!"),
        ("Zone.partitions", "[Partition]"),
        ("ReportPagination.has_more_pages", "Boolean!"),
        ("ReportData.reports(zoneID)", "Int"),
        ("Report.rankedCharacters", "[Character]"),
        ("Report.fights(fightIDs)", "[Int]"),
        ("ReportFight.encounterID", "Int!"),
        ("JSON", "scalar"),
    ] {
        assert_eq!(ours.get(name).map(String::as_str), Some(kind), "{name}");
    }
}

#[test]
fn the_schema_is_a_subset_of_the_full_one() {
    let ours = members(&parse_schema(Simulator::schema_definition()).unwrap());
    let Ok(path) = std::env::var("WCL_SCHEMA") else {
        println!("skipped: WCL_SCHEMA names no copy of the full schema");
        assert_eq!(differences(&ours, &ours), Vec::<String>::new());
        return;
    };
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let theirs = members(&parse_schema(text).unwrap());
    assert_eq!(differences(&ours, &theirs), Vec::<String>::new());
    assert_eq!(missing_arguments(&ours, &theirs), Vec::<String>::new());
}
