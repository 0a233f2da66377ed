// What the page sends with each request to its server (G3 of guard.ts).
export const pageHeader = 'x-reins-page'
