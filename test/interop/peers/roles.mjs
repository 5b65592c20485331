// What a peer can be.
export { publish } from "./publisher.mjs";
export { subscribe } from "./subscriber.mjs";
