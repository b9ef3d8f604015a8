"""Every sentence that `check` has to say of each flawed network, and no other."""

EXPECTED: dict[tuple[str, str], list[str]] = {
    ("no_relu", "resnet8"): [
        "in every block ReLU is missing after the first convolution",
    ],
    ("relu_before_addition", "resnet8"): [
        "in every block ReLU comes before the addition, in the paper after it",
    ],
    ("extra_relu", "resnet8"): [
        "in every block ReLU stands between the second convolution and the addition, in the "
        "paper not",
    ],
    ("no_last_relu", "resnet8"): [
        "in every block ReLU is missing after the addition",
    ],
    ("bn_after_addition", "resnet8"): [
        "in every block batch normalisation comes after the addition, in the paper before it",
    ],
    ("relu_then_bn", "resnet8"): [
        "in every block ReLU comes before batch normalisation after the first convolution, in"
        " the paper after it",
    ],
    ("no_bn", "resnet8"): [
        "in every block there is no batch normalisation",
        "it has 74,842 parameters; the paper's resnet8 has 75,290",
    ],
    ("dropout", "resnet8"): [
        "in every block dropout stands after the first convolution; the paper uses no dropout",
    ],
    ("option_b", "resnet8"): [
        "this is resnet8-b to the letter, not resnet8",
        "its shortcuts are option B, projections where dimensions grow; the paper's are "
        "option A, zeros for the new channels at the end",
        "it has 78,042 parameters and 12,501,632 multiply-adds; the paper's resnet8 has "
        "75,290 and 12,239,488",
    ],
    ("option_c", "resnet8"): [
        "this is resnet8-c to the letter, not resnet8",
        "its shortcuts are option C, a projection in every block; the paper's are option A, "
        "zeros for the new channels at the end",
        "it has 78,330 parameters and 12,763,776 multiply-adds; the paper's resnet8 has "
        "75,290 and 12,239,488",
    ],
    ("bare_projection", "resnet8"): [
        "in the first block of stages 2 and 3 the shortcut is a 1x1 projection without batch "
        "normalisation; the paper's is every second pixel with zeros for the new channels at "
        "the end",
        "it has 77,850 parameters and 12,501,632 multiply-adds; the paper's resnet8 has "
        "75,290 and 12,239,488",
    ],
    ("averaged", "resnet8"): [
        "in the first block of stages 2 and 3 the shortcut is 2x2 average pooling with zeros "
        "for the new channels at the end; the paper's is every second pixel with zeros for "
        "the new channels at the end",
    ],
    ("stride_lost", "resnet8"): [
        "stage 3 starts with stride 1: its maps are 16x16, the paper's are 8x8",
        "it has 22,856,320 multiply-adds; the paper's resnet8 has 12,239,488",
    ],
    ("stride_moved", "resnet20"): [
        "stage 2 starts with stride 1: its maps are 32x32, the paper's are 16x16",
        "block 2 of stage 2 has stride 2: its maps are 16x16, the paper's are too",
        "it has 51,167,872 multiply-adds; the paper's resnet20 has 40,551,040",
    ],
    ("conv_biases", "resnet8"): [
        "all of its 7 convolutions have biases, conv1.bias and 6 more tensors; the paper's have"
        " none",
        "it has 75,530 parameters; the paper's resnet8 has 75,290",
    ],
    ("two_blocks", "resnet8"): [
        "this is resnet14 to the letter, not resnet8",
        "its stages have 2, 2 and 2 blocks, the paper's 1, 1 and 1: 14 layers, the paper's 8",
        "it has 14 layers, 172,506 parameters and 26,395,264 multiply-adds; the paper's "
        "resnet8 has 8, 75,290 and 12,239,488",
    ],
    ("default_start", "resnet8"): [
        "its convolutions start as torch leaves them, kaiming_uniform(a=sqrt(5)), 0.41 times "
        "the paper's deviation; the paper's start normal with sqrt(2 / fan_in)",
    ],
    ("glorot_start", "resnet8"): [
        "its convolutions start with Glorot's (Xavier's) sqrt(2 / (fan_in + fan_out)), 0.70 "
        "times the paper's deviation; the paper's start normal with sqrt(2 / fan_in)",
    ],
    ("fan_out_start", "resnet8"): [],
    ("zero_gamma", "resnet8"): [
        "the last gamma of 3 blocks starts at 0, so that each begins as the identity: later "
        "work's choice, the paper's gammas start at 1",
    ],
    ("with_log_softmax", "resnet8"): [
        "it ends with log-softmax, the paper's with the scores before it, which is where the "
        "two were compared",
    ],
    ("with_softmax", "resnet8"): [
        "it ends with softmax, the paper's with the scores before it, which is where the two "
        "were compared",
    ],
    ("with_features", "resnet8"): [
        "it returns a tuple with 2 tensors, the paper's the scores alone",
    ],
    ("detached", "resnet8"): [
        "with the same weights outputs agree, but gradients do not, by up to N of a "
        "tensor's largest: from the output back, first that of layer2.0.bn2.bias",
    ],
    ("scaled", "resnet8"): [
        "in every block a multiplication by 0.1 stands between the second convolution and the"
        " addition, in the paper not",
    ],
    ("layer_scale", "resnet8"): [
        "in block 1 of stage 1 a multiplication by the weight layer1.0.scale stands between the"
        " second convolution and the addition, in the paper not",
        "in block 1 of stage 2 a multiplication by the weight layer2.0.scale stands between the"
        " second convolution and the addition, in the paper not",
        "in block 1 of stage 3 a multiplication by the weight layer3.0.scale stands between the"
        " second convolution and the addition, in the paper not",
        "it has 75,293 parameters; the paper's resnet8 has 75,290",
    ],
    ("gated", "resnet8"): [
        "in every block a gate (squeeze and excitation, or the like) stands between the second"
        " convolution and the addition, in the paper not",
        "it has 80,834 parameters and 12,244,864 multiply-adds; the paper's resnet8 has 75,290 and"
        " 12,239,488",
    ],
    ("subtracted", "resnet8"): [
        "in every block branch and shortcut meet in a subtraction, in the paper in an addition",
    ],
    ("half_added", "resnet8"): [
        "in every block branch and shortcut meet in a weighted addition, in the paper in an"
        " addition",
    ],
    ("turned", "resnet20"): [
        "the operation neg stands before the first convolution, in the paper not",
        "in every block the operation flip and the operation flip stand before the first "
        "convolution, in the paper not",
        "in every block the operation flip and the operation flip stand after the first "
        "convolution, in the paper not",
    ],
    ("negated", "resnet8"): [
        "weights could not be carried over: conv1.weight is changed while it runs, before it "
        "is used",
    ],
    ("frozen_statistics", "resnet8"): [
        "all of its 7 batch normalisations use running statistics in training, the paper's "
        "those of the batch",
    ],
    ("no_statistics", "resnet8"): [
        "all of its 7 batch normalisations use the batch's statistics in evaluation too, the "
        "paper's fixed ones",
    ],
    ("group_normalisation", "resnet8"): [
        "it has group normalisation where the paper has batch normalisation",
    ],
    ("no_scale", "resnet8"): [
        "all of its 7 batch normalisations have no scale and shift, the paper's have",
        "it has 74,810 parameters; the paper's resnet8 has 75,290",
    ],
    ("large_epsilon", "resnet8"): [],
    ("leaky", "resnet8"): [
        "it has leaky ReLU where the paper has ReLU",
    ],
    ("relu6_in_one_block", "resnet20"): [
        "in block 2 of stage 2 ReLU6 stands after the first convolution instead of ReLU",
    ],
    ("one_shortcut_missing", "resnet20"): [
        "in block 2 of stage 2 nothing is added: the shortcut is missing",
    ],
    ("in_place", "resnet8"): [
        "with the same weights outputs agree, but no gradients can be computed: one of the "
        "variables needed for gradient computation has been modified by an inplace operation",
    ],
    ("grouped", "resnet8"): [
        "in block 1 of stage 2 the second convolution works in 2 groups, the paper's in 1",
        "it has 70,682 parameters and 11,059,840 multiply-adds; the paper's resnet8 has "
        "75,290 and 12,239,488",
    ],
    ("narrower_branch", "resnet20"): [
        "in block 2 of stage 1 the first convolution gives 8 channels, not 16 as in its stage",
        "it has 267,402 parameters and 38,191,744 multiply-adds; the paper's resnet20 has "
        "269,722 and 40,551,040",
    ],
    ("five_by_five", "resnet20"): [
        "in block 3 of stage 3 the second convolution is 5x5, the paper's 3x3",
        "it has 335,258 parameters and 44,745,344 multiply-adds; the paper's resnet20 has "
        "269,722 and 40,551,040",
    ],
    ("max_pooled_at_the_end", "resnet8"): [
        "behind the last block stand the operation amax, then a linear layer of 64 to 10; in "
        "the paper global average pooling, then a linear layer of 64 to 10",
    ],
    ("dropout_before_classifier", "resnet8"): [
        "dropout stands before the classifier; the paper uses no dropout",
    ],
    ("no_classifier_bias", "resnet8"): [
        "behind the last block stand global average pooling, then a linear layer of 64 to 10 "
        "without bias; in the paper global average pooling, then a linear layer of 64 to 10",
        "it has 75,280 parameters; the paper's resnet8 has 75,290",
    ],
    ("two_classifiers", "resnet8"): [
        "behind the last block stand global average pooling, then a linear layer of 64 to 32,"
        " then ReLU, then a linear layer of 32 to 10; in the paper global average pooling, "
        "then a linear layer of 64 to 10",
        "it has 9 layers, 77,050 parameters and 12,241,216 multiply-adds; the paper's resnet8"
        " has 8, 75,290 and 12,239,488",
    ],
    ("lonely_layer_start", "resnet8"): [
        "layer2.0.conv1.weight starts otherwise, with 2.01 times the paper's deviation",
    ],
    ("unused", "resnet8"): [
        "650 of its parameters take no part in the scores: auxiliary.weight and 1 more tensor",
        "it has 75,940 parameters; the paper's resnet8 has 75,290",
    ],
    ("one_bn_for_all", "resnet8"): [
        "layers share weights, layer1.0.bn1.weight and 1 more tensor (the first serves in 2 "
        "places); the paper's layers each have their own",
        "it has 75,258 parameters; the paper's resnet8 has 75,290",
    ],
    ("wide", "resnet20"): [
        "its stages are 32, 64 and 128 channels wide, 2 times the paper's 16, 32 and 64",
        "it has 1,073,962 parameters and 161,318,144 multiply-adds; the paper's resnet20 has "
        "269,722 and 40,551,040",
    ],
    ("pre_activation", "resnet8"): [
        "in the first block of stages 2 and 3 the shortcut is a 1x1 projection without batch "
        "normalisation; the paper's is every second pixel with zeros for the new channels at "
        "the end",
        "it is a pre-activation network (v2): batch normalisation and ReLU come before each "
        "convolution and nothing after the addition; the paper's come after each convolution,"
        " the last ReLU after the addition",
        "it has 77,850 parameters and 12,501,632 multiply-adds; the paper's resnet8 has "
        "75,290 and 12,239,488",
    ],
    ("wide_18", "resnet18"): [
        "this is resnet18-cifar to the letter but for its initialisation, not resnet18",
        "the stem is a 3x3 convolution, not pooled; the paper's is a 7x7 convolution with "
        "stride 2 and 3x3 max-pooling with stride 2 and padding 1",
        "it does not take the paper's 224x224 pictures; both ran on 32x32",
        "it has 11,173,962 parameters and 555,422,720 multiply-adds; the paper's resnet18 has"
        " 11,181,642 and 37,016,576 on 32x32 pictures",
        "its convolutions start as torch leaves them, kaiming_uniform(a=sqrt(5)), 0.41 times "
        "the paper's deviation; the paper's start normal with sqrt(2 / fan_in)",
    ],
    ("wide_18", "resnet20"): [
        "this is resnet18-cifar to the letter but for its initialisation, not resnet20",
        "its stages have 2, 2, 2 and 2 blocks, the paper's 3, 3 and 3: 18 layers, the paper's 20",
        "its stages are 64, 128, 256 and 512 channels wide, the paper's 16, 32 and 64",
        "its shortcuts are option B, projections where dimensions grow; the paper's are "
        "option A, zeros for the new channels at the end",
        "it has 18 layers, 11,173,962 parameters and 555,422,720 multiply-adds; the paper's "
        "resnet20 has 20, 269,722 and 40,551,040",
        "its convolutions start as torch leaves them, kaiming_uniform(a=sqrt(5)), 0.41 times "
        "the paper's deviation; the paper's start normal with sqrt(2 / fan_in)",
    ],
    ("one_by_one", "resnet8"): [
        "pictures pass through it one at a time, in a loop: in training each is normalised by its"
        " own statistics, where the paper's share theirs; nothing more can be compared until it"
        " takes a whole batch",
    ],
}
