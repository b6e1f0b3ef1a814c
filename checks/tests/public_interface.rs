//! The public interface changes only on purpose: this compares it with the listing in `public_interface.txt`. To
//! write the listing again:
//!
//! ```text
//! UPDATE_INTERFACE=1 cargo test -p checks --test public_interface
//! ```
//!
//! The listing comes from the source, with all features at once: every `pub` item with its signature, variants and
//! public fields, implemented and derived traits, and their `cfg`. What the source only implies, such as `Send`, is
//! checked in `threads.rs`.

use quote::ToTokens;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use syn::{Attribute, Fields, ImplItem, Item, TraitItem, TraitItemConst, Visibility};

#[test]
fn the_public_interface_is_the_listed_one() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let mut files = Vec::new();
    collect(&root.join("src"), &mut files);
    files.sort();
    let mut found = String::new();
    for file in &files {
        let source = syn::parse_file(&fs::read_to_string(file).unwrap()).unwrap();
        let mut lines = Vec::new();
        items(&source.items, "", &mut lines);
        if !lines.is_empty() {
            let name: Vec<_> = file.strip_prefix(root).unwrap().iter().map(|part| part.to_str().unwrap()).collect();
            writeln!(found, "== {}\n{}\n", name.join("/"), lines.join("\n")).unwrap();
        }
    }

    let listing = root.join("checks/tests/public_interface.txt");
    if std::env::var_os("UPDATE_INTERFACE").is_some() {
        fs::write(listing, found).unwrap();
        return;
    }
    let expected = fs::read_to_string(listing).unwrap().replace('\r', "");
    let missing: Vec<_> = expected.lines().filter(|line| !found.lines().any(|other| other == *line)).collect();
    let added: Vec<_> = found.lines().filter(|line| !expected.lines().any(|other| other == *line)).collect();
    assert!(
        expected == found,
        "the public interface has changed.\ngone:\n{}\nnew:\n{}\nIf on purpose: UPDATE_INTERFACE=1, and CHANGELOG.md",
        missing.join("\n"),
        added.join("\n")
    );
}

fn collect(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn items(items: &[Item], indent: &str, lines: &mut Vec<String>) {
    let deeper = format!("{indent}    ");
    for item in items {
        match item {
            Item::Fn(item) if public(&item.vis) => lines.push(line(indent, &item.attrs, "pub ", &item.sig)),
            Item::Const(item) if public(&item.vis) => {
                lines.push(line(indent, &item.attrs, &format!("pub const {}: ", item.ident), &item.ty));
            }
            Item::Type(item) if public(&item.vis) => lines.push(line(indent, &item.attrs, "", item)),
            Item::Use(item) if public(&item.vis) => lines.push(line(indent, &item.attrs, "", item)),
            Item::Struct(item) if public(&item.vis) => {
                let name = format!("pub struct {}", item.ident);
                lines.push(line(indent, &item.attrs, &name, &item.generics));
                fields(&item.fields, &deeper, true, lines);
                if item.fields.iter().any(|field| !public(&field.vis)) {
                    lines.push(format!("{deeper}…"));
                }
            }
            Item::Enum(item) if public(&item.vis) => {
                lines.push(line(indent, &item.attrs, &format!("pub enum {}", item.ident), &item.generics));
                for variant in &item.variants {
                    lines.push(line(&deeper, &variant.attrs, "", &variant.ident));
                    fields(&variant.fields, &format!("{deeper}    "), false, lines);
                }
            }
            Item::Trait(item) if public(&item.vis) => {
                let bounds = item.supertraits.to_token_stream();
                lines.push(line(indent, &item.attrs, &format!("pub trait {}: ", item.ident), &bounds));
                for item in &item.items {
                    match item {
                        TraitItem::Fn(item) => {
                            let provided = if item.default.is_some() { "provided " } else { "" };
                            lines.push(line(&deeper, &item.attrs, provided, &item.sig));
                        }
                        // Comments are not part of the interface.
                        TraitItem::Const(item) => {
                            lines.push(line(&deeper, &[], "", &TraitItemConst { attrs: Vec::new(), ..item.clone() }));
                        }
                        other => lines.push(line(&deeper, &[], "", other)),
                    }
                }
            }
            Item::Impl(item) => {
                let mut inside = Vec::new();
                for item in &item.items {
                    match item {
                        ImplItem::Fn(item) if public(&item.vis) => {
                            inside.push(line(&deeper, &item.attrs, "pub ", &item.sig));
                        }
                        ImplItem::Const(item) if public(&item.vis) => {
                            inside.push(line(&deeper, &item.attrs, &format!("pub const {}: ", item.ident), &item.ty));
                        }
                        ImplItem::Type(item) => inside.push(line(&deeper, &item.attrs, "", item)),
                        _ => {}
                    }
                }
                // The traits of `vectors.rs` and of the products are private: they say how loops are compiled.
                let of_the_crate = |name: &str| ["Choice", "Columns", "Loop", "Tiles", "Vectors"].contains(&name);
                let trait_name = item.trait_.as_ref().and_then(|(_, path, _)| path.segments.last());
                let public_trait = trait_name.is_some_and(|segment| !of_the_crate(&segment.ident.to_string()));
                if public_trait || !inside.is_empty() {
                    let mut head = item.clone();
                    head.items.clear();
                    head.attrs.clear();
                    let head = tidy(&head.to_token_stream().to_string()).trim_end_matches(" { }").to_string();
                    lines.push(format!("{indent}{}{head}", attributes(&item.attrs)));
                    lines.append(&mut inside);
                }
            }
            Item::Mod(item) => {
                if public(&item.vis) {
                    lines.push(line(indent, &item.attrs, "pub mod ", &item.ident));
                }
                if let Some((_, content)) = &item.content
                    && !attributes(&item.attrs).contains("cfg(test)")
                {
                    self::items(content, &deeper, lines);
                }
            }
            Item::Macro(item) if item.attrs.iter().any(|one| one.path().is_ident("macro_export")) => {
                lines.push(line(indent, &item.attrs, "macro ", &item.ident));
            }
            _ => {}
        }
    }
}

fn public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// The fields that callers may name: the public ones of a struct, all of a variant.
fn fields(fields: &Fields, indent: &str, of_struct: bool, lines: &mut Vec<String>) {
    for field in fields.iter().filter(|field| !of_struct || public(&field.vis)) {
        let name = field.ident.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
        lines.push(line(indent, &field.attrs, &name, &field.ty));
    }
}

fn line(indent: &str, attrs: &[Attribute], before: &str, tokens: &impl ToTokens) -> String {
    format!("{indent}{}{before}{}", attributes(attrs), tidy(&tokens.to_token_stream().to_string()))
}

/// Those that a caller can tell.
fn attributes(attrs: &[Attribute]) -> String {
    let seen = ["derive", "cfg", "cfg_attr", "non_exhaustive", "must_use", "deprecated", "doc"];
    let seen = attrs.iter().filter(|one| seen.iter().any(|name| one.path().is_ident(name)));
    let texts = seen.map(|one| tidy(&one.to_token_stream().to_string()));
    let texts = texts.filter(|text| !text.starts_with("#[doc") || text.contains("hidden"));
    texts.map(|text| text + " ").collect()
}

/// Tokens with the usual spaces.
fn tidy(tokens: &str) -> String {
    let mut text = tokens.split_whitespace().collect::<Vec<_>>().join(" ");
    for (spaced, close) in [
        (" :: ", "::"),
        (":: ", "::"),
        ("# [", "#["),
        ("[ ", "["),
        (" ]", "]"),
        (" (", "("),
        ("( ", "("),
        (" )", ")"),
        (" <", "<"),
        ("< ", "<"),
        (" >", ">"),
        (">::", ">::"),
        ("& ", "&"),
        (" ,", ","),
        (" ;", ""),
        (";", ""),
        (" :", ":"),
        (" - >", " ->"),
        (" ?", "?"),
        ("? ", "?"),
        (" '", " '"),
    ] {
        text = text.replace(spaced, close);
    }
    // Restore spaces that must stay.
    text.replace("->", " -> ").replace("  ", " ").replace(",)", ")").replace("&mut(", "&mut (").replace("+?", "+ ?")
}
