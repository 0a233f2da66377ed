/** Of the binary, relative to the root. */
export declare const source: string
/** Holds the bundles, each in a folder of its own. */
export declare function bundlesIn(root: string): string
/** The folder of the bundle of the sources as they are, whether it is there or not. Throws where they cannot be read. */
export declare function placeOfBundle(root?: string): string
/** The bundle's program; undefined where there is none of the sources as they are. */
export declare function bundledProgram(root?: string): string | undefined
/** What runs in place of `args`. `make`: there is no bundle, and this is a start after which one is worth making. `binary`: it is the product. */
export declare function programOf(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  root?: string,
): { readonly args: readonly string[]; readonly make: boolean; readonly binary: boolean }
