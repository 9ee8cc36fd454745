// Swagger UI, which tries operations out: https://github.com/swagger-api/swagger-ui
import SwaggerUI from "swagger-ui-dist/swagger-ui-es-bundle.js";
import "swagger-ui-dist/swagger-ui.css";
import "./swagger/style.css";

/** Show the operations of an OpenAPI document in an element. */
export function open(selector, url) {
  SwaggerUI({
    dom_id: selector,
    url,
    deepLinking: true,
    docExpansion: "none",
    validatorUrl: null,
    defaultModelsExpandDepth: 0,
  });
}
