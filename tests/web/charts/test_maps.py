"""Maps of facets whose values are countries, with outlines and without."""

import json
from pathlib import Path

import pytest

from practicegraph.application.services import Services
from practicegraph.search.request import ALL_ENTRIES
from practicegraph.web.charts import maps
from practicegraph.web.context import View
from practicegraph.web.search.results import facet_value
from practicegraph.web.urls import Addresses

SQUARES = {
    "width": 90,
    "height": 90,
    "places": {
        code: {"path": f"M{x},0h9v9z", "x": x + 4, "y": 4, "isSmall": False}
        for x, code in ((0, "GRC"), (10, "FIN"), (20, "DEU"), (30, "1A0"))
    },
}


@pytest.fixture
def view(services: Services) -> View:
    return View(services, Addresses(services.catalogue), "en", keeps_language=False)


@pytest.fixture
def outlines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "map.json"
    path.write_text(json.dumps(SQUARES))
    monkeypatch.setattr(maps, "_OUTLINES", path)


def draw(view: View, key: str) -> maps.PlaceMap | None:
    facet = view.catalogue.shapes.entry_shape.facets_by_key[key]
    counts = view.services.search.counts(facet, ALL_ENTRIES)
    values = [facet_value(view, facet, term, count) for term, count in counts.items() if term]
    return maps.draw_map(view.catalogue.vocabularies, facet, values, view.search_link)


@pytest.mark.usefixtures("outlines")
def test_a_map_has_each_place_with_entries_and_the_outlines_of_all_others(view: View) -> None:
    drawn = draw(view, "country")
    assert drawn is not None
    places = {place.value.value: place for place in drawn.places}
    assert {*places} == {"GRC", "DEU"}
    assert places["DEU"].href == "/practices?country=DEU"
    assert "M10," in drawn.land
    assert "M20," not in drawn.land
    assert {"european-union", "unhcr", "IRL"} <= {value.value for value in drawn.elsewhere}
    shown = [place.value for place in drawn.places] + list(drawn.elsewhere)
    facet = view.catalogue.shapes.entry_shape.facets_by_key["country"]
    assert {value.value: value.count for value in shown} == {
        facet_value(view, facet, term).value: count
        for term, count in view.services.search.counts(facet, ALL_ENTRIES).items()
        if term
    }


@pytest.mark.usefixtures("outlines")
def test_a_facet_that_the_shapes_put_on_no_map_has_none(view: View) -> None:
    assert draw(view, "outcome") is None


def test_without_outlines_there_is_no_map(
    view: View, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(maps, "_OUTLINES", tmp_path / "missing.json")
    assert draw(view, "country") is None


def test_shades_grow_with_the_square_root_of_a_number() -> None:
    assert [maps.shade(count, 100) for count in (0, 4, 25, 100)] == [0, 1, 2.5, 5]
    assert maps.shade(0, 0) == 0
