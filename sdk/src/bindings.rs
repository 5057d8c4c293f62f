//! What `wit-bindgen` makes of `wit/1.0.0/matcher.wit`. Nothing but this crate's adapters and the export macro names it.

wit_bindgen::generate!({
    path: "wit/1.0.0",
    world: "matcher",
    pub_export_macro: true,
    export_macro_name: "export_component",
    default_bindings_module: "eventlatch_sdk::bindings",
});
