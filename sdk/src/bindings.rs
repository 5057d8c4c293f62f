//! What `wit-bindgen` makes of `wit/matcher.wit`. Nothing but this crate's adapters and the export macro names it.

wit_bindgen::generate!({
    path: "wit",
    world: "matcher",
    pub_export_macro: true,
    export_macro_name: "export_component",
    default_bindings_module: "eventlatch_sdk::bindings",
});
