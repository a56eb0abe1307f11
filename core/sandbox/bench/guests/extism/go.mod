module extism

go 1.26
