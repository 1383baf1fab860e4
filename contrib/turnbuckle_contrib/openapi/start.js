// Start Swagger UI for the document that the page names. Nothing is loaded from, or sent to, another host.
"use strict";
const root = document.getElementById("swagger-ui");
SwaggerUIBundle({
  domNode: root,
  url: new URL(root.dataset.document, document.baseURI).href,
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  deepLinking: true,
  displayRequestDuration: true,
  filter: true,
  queryConfigEnabled: false,
  validatorUrl: null,
});
