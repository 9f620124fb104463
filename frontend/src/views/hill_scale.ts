/** How high the hill is, where its ground is a square of side 1. */
export const HEIGHT = 0.55;
