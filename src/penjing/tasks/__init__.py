"""What is asked of the data: its loss, head, metrics, decoding and honest floor. One task per file or folder."""
