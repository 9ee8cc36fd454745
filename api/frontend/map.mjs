// Write the outlines of the countries around Europe as SVG paths, by ISO 3166-1 alpha-3 code, each
// with the point on its largest part at which a number stands. Made of Natural Earth (world-atlas).
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { geoArea, geoConicConformal, geoPath } from "d3-geo";
import polylabel from "polylabel";
import { feature } from "topojson-client";
import { presimplify, simplify } from "topojson-simplify";

const require = createRequire(import.meta.url);
const { numericToAlpha3 } = require("i18n-iso-countries");
const FILE = new URL("../practicegraph/web/static/built/map.json", import.meta.url);
const WIDTH = 640;
const HEIGHT = 560;
const CORNERS = [[-11, 35], [14.4, 35.3], [33, 34.5], [-24, 64], [32, 70.5]];
const LEAST_TRIANGLE = 0.01; // in square degrees: smaller ones are left out of an outline
const SMALL = 60; // square units: a country of less is drawn as a circle too
const CUT_OFF = 6000; // square units: less of a country whose centre is outside is left out
const WITHOUT_NUMBER = { Kosovo: "1A0" }; // the code of the EU Publications Office

const atlas = JSON.parse(readFileSync(require.resolve("world-atlas/countries-50m.json")));
const countries = feature(atlas, atlas.objects.countries).features;
const simple = simplify(presimplify(atlas), LEAST_TRIANGLE);
const outlines = feature(simple, simple.objects.countries).features;

const frame = [[0, 0], [WIDTH, HEIGHT]];
const projection = geoConicConformal()
  .rotate([-12, 0])
  .parallels([40, 62])
  .fitSize(frame[1], { type: "MultiPoint", coordinates: CORNERS });
const whole = geoPath(projection);
const wholeCentre = new Map(countries.map((country) => [country, whole.centroid(mainPart(country))]));
const clipped = geoPath(projection.clipExtent(frame)).digits(1);

/** Return the largest polygon of a country. */
function mainPart({ geometry }) {
  const polygons = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
  const parts = polygons.map((coordinates) => ({ type: "Polygon", coordinates }));
  return parts.reduce((largest, part) => (geoArea(part) > geoArea(largest) ? part : largest));
}

/** Return the point of the visible part of a country that is farthest from its outline. */
function labelPoint(country) {
  const rings = clipped(mainPart(country)).split("M").slice(1).map((ring) =>
    ring.replace("Z", "").split("L").map((point) => point.split(",").map(Number)));
  return polylabel(rings.sort((one, other) => other.length - one.length), 1).map(Math.round);
}

/** Return whether a point stands in the frame. */
function isInside([x, y]) {
  return x > 0 && x < WIDTH && y > 0 && y < HEIGHT;
}

const places = {};
for (const [number, country] of countries.entries()) {
  const code = country.id ? numericToAlpha3(country.id) : WITHOUT_NUMBER[country.properties.name];
  const visible = clipped.area(country);
  if (!code || !visible || (!isInside(wholeCentre.get(country)) && visible < CUT_OFF)) continue;
  const [x, y] = labelPoint(country);
  places[code] = { path: clipped(outlines[number]) ?? "", x, y, isSmall: visible < SMALL };
}
writeFileSync(FILE, JSON.stringify({ width: WIDTH, height: HEIGHT, places }));
