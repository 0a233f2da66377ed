// What is used of just-bash, and no more: its own types bring those of all that it can do.
declare module 'just-bash' {
  export interface FileStat {
    readonly isFile: boolean
    readonly isDirectory: boolean
    readonly isSymbolicLink: boolean
    readonly mode: number
    readonly mtime: Date
  }
  export interface IFileSystem {
    exists(path: string): Promise<boolean>
    stat(path: string): Promise<FileStat>
    lstat(path: string): Promise<FileStat>
    readFileBuffer(path: string): Promise<Uint8Array>
    writeFile(path: string, content: string | Uint8Array): Promise<void>
    mkdir(path: string, options?: { readonly recursive?: boolean }): Promise<void>
    symlink(target: string, path: string): Promise<void>
    readlink(path: string): Promise<string>
    chmod(path: string, mode: number): Promise<void>
    utimes(path: string, atime: Date, mtime: Date): Promise<void>
    getAllPaths(): string[]
  }
  export class InMemoryFs implements IFileSystem {
    constructor(files?: Readonly<Record<string, string>>, options?: { readonly maxTotalBytes?: number })
    exists: IFileSystem['exists']
    stat: IFileSystem['stat']
    lstat: IFileSystem['lstat']
    readFileBuffer: IFileSystem['readFileBuffer']
    writeFile: IFileSystem['writeFile']
    mkdir: IFileSystem['mkdir']
    symlink: IFileSystem['symlink']
    readlink: IFileSystem['readlink']
    chmod: IFileSystem['chmod']
    utimes: IFileSystem['utimes']
    getAllPaths: IFileSystem['getAllPaths']
  }
  export class Bash {
    constructor(options: {
      readonly fs: IFileSystem
      readonly cwd: string
      readonly env: Readonly<Record<string, string>>
      readonly executionLimits: { readonly maxExecutionTimeMs: number }
    })
    exec(
      command: string,
      options: { readonly signal: AbortSignal; readonly rawScript: boolean },
    ): Promise<{ readonly stdout: string; readonly stderr: string; readonly exitCode: number }>
  }
}
