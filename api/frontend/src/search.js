// The pages of a search: filters that keep the reader's place, suggestions, pictures as PNG.
import { offerPictures } from "./search/pictures.js";
import { suggest } from "./search/suggestions.js";
import { replaceOnChange } from "./search/replacing.js";

/** Set up what stands in main, at first and each time when it has been replaced. */
function setUp() {
  for (const input of document.querySelectorAll("input[data-suggest]")) suggest(input);
  offerPictures();
}

setUp();
replaceOnChange(setUp);
