# Tensors and description of a model that Sfumato wrote; needs the package jsonlite.
#
#   source("read_safetensors.R")
#   model <- read_safetensors("runs/iris/model.safetensors")
#   model$tensors$dense_1.W; model$description$classes
#
# The file is the length of a header (8 bytes), the header as JSON, and the numbers, all little-endian and row by row.

read_safetensors <- function(path) {
  bytes <- readBin(path, "raw", file.size(path))
  whole <- function(at) sum(as.integer(bytes[at + 0:7]) * 256^(0:7))
  start <- 8 + whole(1)
  header <- jsonlite::fromJSON(rawToChar(bytes[9:start]))
  metadata <- header[["__metadata__"]]
  header[["__metadata__"]] <- NULL
  tensors <- lapply(header, function(entry) {
    size <- c(F32 = 4, F64 = 8)[[entry$dtype]]
    part <- bytes[start + seq_len(entry$data_offsets[2])]
    part <- part[(entry$data_offsets[1] + 1):length(part)]
    numbers <- readBin(part, "numeric", length(part) / size, size, endian = "little")
    if (length(entry$shape) < 2) return(numbers)
    aperm(array(numbers, rev(entry$shape)))  # R's arrays lie column by column
  })
  list(tensors = tensors, description = jsonlite::fromJSON(metadata$sfumato, simplifyDataFrame = FALSE))
}
