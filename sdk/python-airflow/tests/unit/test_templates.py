import jinja2
import pytest

from eventlatch_airflow.templates import depends_on_run, shield

OF_SERVICE = "{{yyyymm|dt.format(format='%Y%m')}}"


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        (OF_SERVICE, OF_SERVICE),
        ("{{ day | dt.add_day(n=-1) }}", "{{ day | dt.add_day(n=-1) }}"),
        ("{{ yyyymm }}", "{{ yyyymm }}"),
        ("{{ ds }}", "2026-01-31"),
        ("{{ ds }}/" + OF_SERVICE, "2026-01-31/" + OF_SERVICE),
        ("plain", "plain"),
    ],
)
def test_airflow_renders_its_own_templates_only(text: str, rendered: str) -> None:
    assert jinja2.Environment().from_string(shield(text)).render(ds="2026-01-31") == rendered


@pytest.mark.parametrize(
    ("value", "depends"),
    [
        ([{"db": "a", "n": 1, "is_success": True, "partition_values": OF_SERVICE}], False),
        ([{"db": "{{ ds }}"}], True),
        ([{"db": "{% if a %}b{% endif %}"}], True),
        ([{"db": OF_SERVICE + "{{ ds }}"}], True),
        (None, False),
        (object(), True),  # the result of another task
    ],
)
def test_what_differs_from_run_to_run(value: object, depends: bool) -> None:
    assert depends_on_run(value) is depends
