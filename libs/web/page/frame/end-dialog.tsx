// Ending a session is for good: it is asked once more.
import { AlertDialog } from '@base-ui/react/alert-dialog'

export function EndDialog({ open, close, end }: { readonly open: boolean; close(): void; end(): void }) {
  return (
    <AlertDialog.Root open={open} onOpenChange={(to) => (to ? undefined : close())}>
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className="backdrop" />
        <AlertDialog.Popup className="dialog">
          <AlertDialog.Title className="card-title">End this session for good?</AlertDialog.Title>
          <AlertDialog.Description className="faint">
            Nobody can go on with it afterwards. What was said stays readable.
          </AlertDialog.Description>
          <div className="choices">
            <AlertDialog.Close
              className="danger"
              onClick={() => {
                end()
                close()
              }}
            >
              End it
            </AlertDialog.Close>
            <AlertDialog.Close>Keep it</AlertDialog.Close>
          </div>
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  )
}
