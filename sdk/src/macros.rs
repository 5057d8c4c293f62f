//! `export_matcher!`.

/// Makes a matcher the export of its crate.
///
/// Once per crate, at its root. `export_matcher!(Name)` is for a [`Matcher`](crate::Matcher),
/// `export_matcher!(Name: FieldMatcher)` for a [`FieldMatcher`](crate::FieldMatcher). Natively it does nothing, so that
/// the crate can be tested like any other.
#[macro_export]
macro_rules! export_matcher {
    ($matcher:ty) => {
        $crate::__export_adapter!($crate::adapter::Typed<$matcher>);
    };
    ($matcher:ident : FieldMatcher) => {
        $crate::__export_adapter!($crate::adapter::FieldWise<$matcher>);
    };
}

/// Exports an adapter: the functions of the interface, on the one instance that `configure` makes.
#[doc(hidden)]
#[macro_export]
macro_rules! __export_adapter {
    ($adapter:ty) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            use $crate::adapter::Adapter;
            use $crate::bindings::exports::eventlatch::matcher::guest;

            ::std::thread_local! {
                static CONFIGURED: ::std::cell::RefCell<::std::option::Option<$adapter>> =
                    const { ::std::cell::RefCell::new(::std::option::Option::None) };
            }

            fn configured<T>(act: impl FnOnce(&$adapter) -> T) -> T {
                CONFIGURED.with_borrow(|adapter| act(adapter.as_ref().expect("`configure` comes first")))
            }

            struct Exported;

            impl guest::Guest for Exported {
                fn describe() -> guest::Description {
                    $crate::adapter::log_panics();
                    <$adapter as Adapter>::describe(::std::env!("CARGO_PKG_VERSION"))
                }

                fn configure(
                    config: ::std::string::String,
                ) -> ::std::result::Result<guest::Settings, ::std::vec::Vec<guest::Problem>> {
                    $crate::adapter::log_panics();
                    let adapter = <$adapter as Adapter>::configure(&config)?;
                    let settings = adapter.settings();
                    CONFIGURED.set(::std::option::Option::Some(adapter));
                    ::std::result::Result::Ok(settings)
                }

                fn prepare(
                    wanted: ::std::vec::Vec<::std::string::String>,
                    on: guest::Date,
                ) -> ::std::vec::Vec<::std::result::Result<guest::Prepared, guest::Problem>> {
                    configured(|adapter| wanted.iter().map(|wanted| adapter.prepare(wanted, on)).collect())
                }

                fn extract(batch: guest::Batch) -> guest::Extracts {
                    configured(|adapter| adapter.extract(&batch))
                }

                fn confirm(candidates: ::std::vec::Vec<guest::Candidate>) -> ::std::vec::Vec<guest::Verdict> {
                    configured(|adapter| candidates.iter().map(|candidate| adapter.confirm(candidate)).collect())
                }
            }

    $crate::bindings::export_component!(Exported with_types_in $crate::bindings);
        };
    };
}
