//! The one place where the matcher interface becomes Rust.

wasmtime::component::bindgen!({
    path: "../sdk/wit/1.0.0",
    world: "matcher",
    imports: { default: trappable },
    ownership: Borrowing { duplicate_if_necessary: true },
    additional_derives: [PartialEq],
});
