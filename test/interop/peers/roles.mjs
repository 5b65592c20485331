// What a peer can be.
export { echo } from "./echo.mjs";
export { publish } from "./publisher.mjs";
export { subscribe } from "./subscriber.mjs";
