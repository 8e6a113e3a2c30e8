% Tensors and description of a model that Sfumato wrote; needs Octave 7 (or MATLAB), for jsondecode.
%
%   [tensors, description] = read_safetensors ("runs/iris/model.safetensors");
%   tensors.dense_1_W, description.classes
%
% The file is the length of a header (8 bytes), the header as JSON, and the numbers, all little-endian and row by row.
% Names with a dot are none in Octave: dense_1.W becomes dense_1_W.

function [tensors, description] = read_safetensors (path)
  file = fopen (path, "r", "ieee-le");
  if file < 0
    error ("%s: cannot be read", path);
  end
  bytes = fread (file, 1, "uint64");
  header = jsondecode (fread (file, bytes, "*char")');
  tensors = struct ();
  for name = fieldnames (header)'
    entry = header.(name{1});
    if isfield (entry, "dtype")
      kind = struct ("F32", "single", "F64", "double").(entry.dtype);
      shape = entry.shape(:)';
      fseek (file, 8 + bytes + entry.data_offsets(1), "bof");
      numbers = fread (file, prod ([1 shape]), kind);
      if numel (shape) > 1   % Octave's arrays lie column by column
        numbers = permute (reshape (numbers, fliplr (shape)), numel (shape):-1:1);
      end
      tensors.(strrep (name{1}, ".", "_")) = numbers;
    else
      description = jsondecode (entry.sfumato);
    end
  end
  fclose (file);
end
